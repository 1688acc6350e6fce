import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { OperationRef } from "../../core/operation.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  caller,
  create,
  failed,
  lease,
  makeReady,
  newPlace,
  type Place,
  ready,
  remove,
  update,
  written,
} from "./fixture.ts";
import { newTarget } from "./protection.ts";

// Law F15, for operations: what was READY and is not found.

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newTarget(store, await newPlace(store), 1000);
});

async function claimed(changes: Parameters<typeof accept>[2]): Promise<OperationRef> {
  const [ref] = await accept(store, place, changes);
  if (ref === undefined) throw new Error("nothing can start");
  await store.worker.claim(ref, lease);
  return ref;
}

/** A change of a resource that was made before, claimed. */
async function changing(name: string): Promise<OperationRef> {
  return claimed([update(await makeReady(store, place, name), name, 1)]);
}

async function longAgo(ref: OperationRef, seconds: number): Promise<void> {
  await store
    .as("owner")
    .rows("update cairn.operations set absent_since = now() - make_interval(secs => :seconds) where id = :id::uuid", {
      seconds,
      id: ref.operation,
    });
}

/** A run that did not find these, and what it found. */
async function look(missing: string[], found: string[] = [], resource: string | null = null): Promise<void> {
  const drift = newId();
  const gone = [{ pointer: "", expected: "present", actual: "absent" }];
  if (resource === null) await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
  else await store.api.openVerification({ team: place.team }, caller, drift, resource);
  const sights = [...missing, ...found].map((id) => ({
    ...{ team: place.team, id, generation: 1, seen: true as const },
    differences: missing.includes(id) ? gone : [],
  }));
  await store.drift.recordDrift(drift, sights);
  await store.drift.closeDrift(drift, 3600);
}

test("is noted from the first look that misses it, until one finds it", async () => {
  const ref = await changing("a");
  expect(await store.worker.absent(ref)).toEqual({ seconds: 0, denied: false });
  await longAgo(ref, 20);
  const later = await store.worker.absent(ref);
  expect(later?.seconds).toBeGreaterThanOrEqual(20);
  expect(later?.seconds).toBeLessThan(200);
  await store.worker.workToSend(ref, lease, "hash", false);
  expect((await store.worker.absent(ref))?.seconds).toBeGreaterThanOrEqual(20);
  await store.worker.workToSend(ref, lease, "hash", true);
  expect(await store.worker.absent(ref)).toEqual({ seconds: 0, denied: false });
});

test("is noted too where a request has made it", async () => {
  const ref = await claimed([create("new")]);
  await store.worker.advance(ref, { to: "sent", request: "request-1", identifier: null });
  expect(await store.worker.absent(ref)).toEqual({ seconds: 0, denied: false });
});

test("is nothing for what was never READY, and under a lost epoch", async () => {
  const ref = await claimed([create("new")]);
  await store.worker.advance(ref, { to: "sent", request: null, identifier: "new" });
  expect(await store.worker.absent(ref)).toBeNull();
  const made = await changing("a");
  expect(await store.worker.absent({ ...made, epoch: made.epoch + 1 })).toBeNull();
});

test("is noted of a deletion behind a create that was asked for, and of none behind one that was not", async () => {
  const asked = create("asked");
  const ref = await claimed([asked]);
  await store.worker.workToSend(ref, lease, "hash", false);
  const deletion = remove(asked.resourceId, "asked", 1);
  expect(await accept(store, place, [deletion])).toEqual([]);
  const refused = { code: "PROVIDER_REJECTED", message: "No.", retryAt: null } as const;
  const [next] = written(await store.worker.advance(ref, { to: "failed", reason: refused, proven: true }));
  await store.worker.claim(next as OperationRef, lease);
  expect(await store.worker.absent(next as OperationRef)).toEqual({ seconds: 0, denied: false });

  const idle = create("idle");
  await store.worker.advance(await claimed([idle]), { to: "failed", reason: refused, proven: false });
  expect(await store.worker.absent(await claimed([remove(idle.resourceId, "idle", 1)]))).toBeNull();
});

test("is nothing where a finding says that it is gone", async () => {
  const id = await makeReady(store, place, "a");
  await look([id]);
  expect(await store.worker.absent(await claimed([remove(id, "a", 1)]))).toBeNull();
});

test("is denied while its target is halted, but what a person has asked about", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const ids: string[] = [];
  for (const name of names) ids.push(await makeReady(store, place, name));
  const [first = "", second = ""] = ids;
  await look(ids);
  const ref = await claimed([update(first, "a", 1)]);
  expect(await store.worker.absent(ref)).toMatchObject({ denied: true });
  await look([second], [], second);
  expect(await store.worker.absent(await claimed([remove(second, "b", 1)]))).toBeNull();
});

test("is not denied where a look of the halted run or after it has found another of the same service", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const ids: string[] = [];
  for (const name of names) ids.push(await makeReady(store, place, name));
  const other = await makeReady(store, place, "other");
  await look(ids);
  const ref = await claimed([update(ids[0] ?? "", "a", 1)]);
  expect(await store.worker.absent(ref)).toMatchObject({ denied: true });
  await look([], [other]);
  expect(await store.worker.absent(ref)).toMatchObject({ denied: false });
});

test("is no denial to deletions that have asked, nor for others because of them", async () => {
  for (const name of ["a", "b", "c", "d", "e", "f", "g"]) {
    const ref = await claimed([remove(await makeReady(store, place, name), name, 1)]);
    await store.worker.workToSend(ref, lease, "hash", true);
    expect(await store.worker.absent(ref)).toEqual({ seconds: 0, denied: false });
  }
  expect(await store.worker.absent(await changing("other"))).toEqual({ seconds: 0, denied: false });
});

test("is denied when more than five operations miss something at once, until one of them finds it", async () => {
  const refs: OperationRef[] = [];
  for (const name of ["a", "b", "c", "d", "e", "f"]) refs.push(await changing(name));
  const absences = [];
  for (const ref of refs) absences.push((await store.worker.absent(ref))?.denied);
  expect(absences).toEqual([false, false, false, false, false, true]);
  const [first, ...others] = refs as [OperationRef, ...OperationRef[]];
  for (const ref of others) expect(await store.worker.absent(ref)).toMatchObject({ denied: true });
  await store.worker.advance(first, ready());
  for (const ref of others) expect(await store.worker.absent(ref)).toMatchObject({ denied: false });
});

test("is not spoken against by a run of before, whose worker's clock was ahead", async () => {
  const other = await makeReady(store, place, "other");
  const refs: OperationRef[] = [];
  for (const name of ["a", "b", "c", "d", "e", "f"]) refs.push(await changing(name));
  const early = newId({ msecs: Date.now() + 600_000 });
  await store.drift.claimDrift(early, { batch: 0, intervalSeconds: 3600 });
  const found = { team: place.team, id: other, generation: 1, seen: true as const, differences: [] };
  await store.drift.recordDrift(early, [found]);
  await store.drift.closeDrift(early, 3600);
  const absences = [];
  for (const ref of refs) absences.push((await store.worker.absent(ref))?.denied);
  expect(absences).toEqual([false, false, false, false, false, true]);
});

/** Asked for, given an identifier, and failed: what of it is there nobody has seen. */
async function halfMade(name: string): Promise<string> {
  const change = create(name);
  const ref = await claimed([change]);
  await store.worker.workToSend(ref, lease, "hash", false);
  await store.worker.advance(ref, { to: "sent", request: "request-1", identifier: name });
  await store.worker.advance(ref, failed());
  return change.resourceId;
}

test("is noted where something is to be deleted that was made in part, and makes nobody else wait", async () => {
  const ids: string[] = [];
  for (const name of ["a", "b", "c", "d", "e", "f"]) ids.push(await halfMade(name));
  for (const [at, id] of ids.entries()) {
    const ref = await claimed([remove(id, "abcdef".charAt(at), 1)]);
    expect(await store.worker.absent(ref)).toEqual({ seconds: 0, denied: false });
  }
  expect(await store.worker.absent(await changing("g"))).toEqual({ seconds: 0, denied: false });
});

test("is not counted once another look has found it", async () => {
  for (const name of ["a", "b", "c", "d", "e"]) {
    const ref = await changing(name);
    await store.worker.absent(ref);
    await store.worker.advance(ref, ready());
  }
  expect(await store.worker.absent(await changing("f"))).toEqual({ seconds: 0, denied: false });
});

test("is noted anew by another try", async () => {
  const id = await makeReady(store, place, "a");
  const ref = await claimed([update(id, "a", 1)]);
  await store.worker.absent(ref);
  await longAgo(ref, 7200);
  await store.worker.advance(ref, failed(false));
  const again = await store.api.retryResource({ team: place.team }, caller, id);
  const [next] = again.outcome === "retried" ? again.startable : [];
  if (next === undefined) throw new Error(again.outcome);
  await store.worker.claim(next, lease);
  expect(await store.worker.absent(next)).toEqual({ seconds: 0, denied: false });
});
