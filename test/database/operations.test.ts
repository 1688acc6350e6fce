import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { OperationRef, Progress } from "../../core/operation.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  create,
  eventsOf,
  failed,
  lease,
  makeReady,
  newPlace,
  operationRows,
  type Place,
  ready,
  reason,
  remove,
  resourceRow,
  run,
  send,
  sweep,
  update,
  written,
} from "./fixture.ts";

let store: TestStore;
let place: Place;
let ref: OperationRef;
let id: string;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newPlace(store);
  const change = create("db");
  id = change.resourceId;
  ref = await start([change]);
});

async function start(changes: Parameters<typeof accept>[2]): Promise<OperationRef> {
  const [first] = await accept(store, place, changes);
  if (first === undefined) throw new Error("nothing can start");
  return first;
}

async function takenOver(): Promise<OperationRef> {
  const found = (await sweep(store)).find(({ operation }) => operation === ref.operation);
  if (found === undefined) throw new Error("the sweep left it");
  return found;
}

const operation = async () => (await operationRows(store, id))[0];
const stale = () => ({ ...ref, epoch: ref.epoch + 1 });

describe("claim", () => {
  test("takes the lease, says SYNCING, and may be delivered again", async () => {
    expect(await store.worker.claim(ref, lease)).toEqual({ outcome: "claimed" });
    expect(await resourceRow(store, id)).toMatchObject({ status: "SYNCING" });
    expect(await store.worker.claim(ref, lease)).toEqual({ outcome: "claimed" });
    expect(await eventsOf(store, place, id)).toEqual(["resource.create", "operation.claimed"]);
  });

  test("under another epoch, of a finished or of an unknown operation is lost", async () => {
    expect(await store.worker.claim(stale(), lease)).toEqual({ outcome: "lost" });
    expect(await store.worker.claim({ ...ref, operation: id }, lease)).toEqual({ outcome: "lost" });
    await run(store, ref, ready());
    expect(await store.worker.claim(ref, lease)).toEqual({ outcome: "lost" });
  });

  test("of what a dependency holds up is blocked, and whoever starts it next has a new epoch", async () => {
    await run(store, ref, ready());
    const dependent = create("url", [id]);
    const waiting = await start([dependent]);
    const again = await start([update(id, "db", 1)]);
    expect(await store.worker.claim(waiting, lease)).toEqual({ outcome: "blocked" });
    expect(await store.worker.claim(waiting, lease)).toEqual({ outcome: "lost" });
    expect(await run(store, again, ready({ name: "x" }))).toEqual([{ ...waiting, epoch: waiting.epoch + 1 }]);
  });

  test("of a delete whose user is still there is blocked", async () => {
    await run(store, ref, ready());
    const user = await makeReady(store, place, "url", [id]);
    const startable = await accept(store, place, [remove(id, "db", 1), remove(user, "url", 1)]);
    expect(startable).toHaveLength(1);
    const held = (await operationRows(store, id))[1];
    const blocked = { team: place.team, operation: held?.id ?? "", epoch: 1 };
    expect(await store.worker.claim(blocked, lease)).toEqual({ outcome: "blocked" });
  });
});

describe("work", () => {
  test("renews the lease and gives all there is to know, in one round trip", async () => {
    await store.worker.claim(ref, 1);
    const before = await operation();
    store.counted.statements = 0;
    const work = await store.worker.work(ref, 600);
    expect(store.counted.statements).toBe(1);
    expect(work).toMatchObject({
      ref,
      kind: "apply",
      generation: 1,
      attempt: 1,
      waits: 0,
      stumbles: 0,
      token: before?.token,
      tokenAgeSeconds: null,
      request: null,
      sentHash: null,
      superseded: false,
      definition: { kind: "AWS::S3::Bucket" },
      resource: { id, team: place.team, service: "orders", environment: "staging", name: "db", identifier: null },
      dependencies: {},
      target: null,
    });
    expect((await operation())?.due_at.localeCompare(before?.due_at ?? "")).toBe(1);
  });

  test("names the outputs it depends on and the target of its environment", async () => {
    await run(store, ref, ready({ url: "postgres://x", port: 5432 }));
    await store
      .as("owner")
      .rows(
        `insert into cairn.targets values ('staging', 'aws', '{"region": "eu-central-1", "requestsPerSecond": 100000}') on conflict do nothing`,
      );
    const dependent = await start([create("url", [id])]);
    await store.worker.claim(dependent, lease);
    expect(await store.worker.work(dependent, lease)).toMatchObject({
      dependencies: { db: { url: "postgres://x", port: 5432 } },
      target: { region: "eu-central-1" },
    });
  });

  test("commits that a provider is about to be asked; the token keeps its first use", async () => {
    await store.worker.claim(ref, lease);
    await send(store, ref);
    const first = (await operation())?.token_used_at;
    expect(first).not.toBeNull();
    const second = await send(store, ref);
    expect((await operation())?.token_used_at).toBe(first);
    expect(second.tokenAgeSeconds).toBeGreaterThan(0);
  });

  test("is not given before a claim, under another epoch, nor once it is over", async () => {
    expect(await store.worker.work(ref, lease)).toBeNull();
    await store.worker.claim(ref, lease);
    expect(await store.worker.work(stale(), lease)).toBeNull();
    expect(await store.worker.workToSend(stale(), lease, "e", false)).toBeNull();
    expect((await operation())?.token_used_at).toBeNull();
    await store.worker.advance(ref, failed());
    expect(await store.worker.work(ref, lease)).toBeNull();
  });
});

const steps: Progress[] = [
  { to: "sent", request: "r", identifier: "i" },
  ready(),
  { to: "deleted" },
  failed(),
  { to: "next-attempt", reason, delaySeconds: 1 },
  { to: "wait", reason, delaySeconds: 1 },
  { to: "stumbled", error: "TypeError", reason, delaySeconds: 1, limit: 5 },
];

describe("advance", () => {
  test.each(steps)("$to under a lost epoch writes nothing", async (progress) => {
    await store.worker.claim(ref, lease);
    const before = [await resourceRow(store, id), await operationRows(store, id), await eventsOf(store, place, id)];
    expect(await store.worker.advance(stale(), progress)).toEqual({ outcome: "lost" });
    expect([await resourceRow(store, id), await operationRows(store, id), await eventsOf(store, place, id)]).toEqual(
      before,
    );
  });

  test.each(steps)("$to leaves an audit entry in the same transaction", async (progress) => {
    await store.worker.claim(ref, lease);
    const before = await eventsOf(store, place, id);
    written(await store.worker.advance(ref, progress));
    expect((await eventsOf(store, place, id)).length).toBeGreaterThan(before.length);
  });

  test("sent keeps the provider's handle and identifier, and goes on running", async () => {
    expect(await run(store, ref, { to: "sent", request: "req-1", identifier: "bucket-1" })).toEqual([]);
    expect(await resourceRow(store, id)).toMatchObject({ status: "SYNCING", request: "req-1", identifier: "bucket-1" });
    written(await store.worker.advance(ref, { to: "sent", request: "req-2", identifier: null }));
    expect(await resourceRow(store, id)).toMatchObject({ request: "req-2", identifier: "bucket-1" });
    expect((await operation())?.status).toBe("RUNNING");
  });

  test("ready writes outputs and identifier, and ends the operation", async () => {
    await run(store, ref, { to: "ready", identifier: "bucket-1", outputs: { name: "b" } });
    expect(await store.api.resource({ team: place.team }, id)).toMatchObject({
      status: "READY",
      outputs: { name: "b" },
      external: { identifier: "bucket-1" },
      reason: null,
    });
    expect(await operation()).toMatchObject({ status: "SUCCEEDED" });
    expect(await store.worker.advance(ref, ready())).toEqual({ outcome: "lost" });
  });

  test("the next change's work knows how long ago it was READY, until that asks for something itself", async () => {
    await store.worker.claim(ref, lease);
    expect(await store.worker.work(ref, lease)).toMatchObject({ readySeconds: null });
    await run(store, ref, ready());
    await store
      .as("owner")
      .rows("update cairn.operations set finished_at = now() - interval '9 seconds' where id = :operation::uuid", {
        operation: ref.operation,
      });
    const change = await start([update(id, "db", 1)]);
    await store.worker.claim(change, lease);
    expect((await store.worker.work(change, lease))?.readySeconds).toBeCloseTo(9, 0);
    await send(store, change);
    expect(await store.worker.work(change, lease)).toMatchObject({ readySeconds: null });
  });

  test("deleted ends the resource, its edges and its findings", async () => {
    await run(store, ref, ready());
    const gone = await start([remove(id, "db", 1)]);
    expect(await resourceRow(store, id)).toMatchObject({ status: "DELETING" });
    await run(store, gone, { to: "deleted" });
    expect(await store.api.resource({ team: place.team }, id)).toMatchObject({ status: "DELETED" });
    expect((await store.api.resources({ team: place.team }, {}, { limit: 9, cursor: null })).items).toEqual([]);
    expect(
      (await store.api.resources({ team: place.team }, { status: "DELETED" }, { limit: 9, cursor: null })).items,
    ).toHaveLength(1);
  });

  test("a proven failure has a new token for whoever tries again, an unproven one keeps its own", async () => {
    const first = await operation();
    await run(store, ref, failed(false));
    expect(await operation()).toMatchObject({ status: "FAILED", token: first?.token, attempt: 1 });
    expect((await operation())?.token_used_at).not.toBeNull();
    expect(await resourceRow(store, id)).toMatchObject({ status: "FAILED", reason: { code: reason.code } });

    const other = create("cache");
    await run(store, await start([other]), failed(true));
    const [proven] = await operationRows(store, other.resourceId);
    expect(proven).toMatchObject({ status: "FAILED", attempt: 2, token_used_at: null });
  });

  test.each([
    { to: "failed", proven: true, status: "FAILED" },
    { to: "wait", delaySeconds: 30, status: "PENDING" },
    { to: "next-attempt", delaySeconds: 30, status: "PENDING" },
  ] as const)("the provider's code stands in the resource, its operation and its timeline: $to", async (step) => {
    const { status, ...progress } = step;
    await run(store, ref, { ...progress, reason: { ...reason, providerCode: "NOT_STABILIZED" } });
    const coded = { reason: { code: reason.code, providerCode: "NOT_STABILIZED" } };
    expect(await store.api.resource({ team: place.team }, id)).toMatchObject({ status, ...coded });
    expect(await operation()).toMatchObject(coded);
    const timeline = await store.api.resourceEvents({ team: place.team }, id, { limit: 100, cursor: null });
    const last = timeline?.items.at(-1);
    expect(last?.detail).toMatchObject(coded);
    expect(last?.message).toContain("NOT_STABILIZED");
  });

  test("a next attempt waits with a new token that nothing was asked under", async () => {
    const first = await operation();
    await run(store, ref, { to: "next-attempt", reason, delaySeconds: 30 });
    const second = await operation();
    expect(second).toMatchObject({ status: "WAITING", attempt: 2, waits: 1, token_used_at: null });
    expect(second?.token).not.toBe(first?.token);
    const resource = await resourceRow(store, id);
    expect(resource).toMatchObject({ status: "PENDING", request: null, reason: { code: reason.code } });
    expect(resource.reason?.retryAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test("a wait keeps the attempt, its token and the request in flight", async () => {
    await store.worker.claim(ref, lease);
    const { token } = await send(store, ref);
    await store.worker.advance(ref, { to: "sent", request: "req-1", identifier: null });
    written(await store.worker.advance(ref, { to: "wait", reason, delaySeconds: 30 }));
    expect(await operation()).toMatchObject({ status: "WAITING", attempt: 1, token, waits: 1 });
    expect(await resourceRow(store, id)).toMatchObject({ status: "PENDING", request: "req-1" });
  });

  test("a step that stumbles waits, until it was once too often", async () => {
    const stumbled: Progress = {
      to: "stumbled",
      error: "TypeError",
      reason: { ...reason, code: "NEEDS_ATTENTION" },
      delaySeconds: 0,
      limit: 3,
    };
    for (const stumbles of [1, 2]) {
      await store.worker.claim(ref, lease);
      written(await store.worker.advance(ref, stumbled));
      expect(await operation()).toMatchObject({ status: "WAITING", stumbles });
      ref = await takenOver();
    }
    await store.worker.claim(ref, lease);
    written(await store.worker.advance(ref, stumbled));
    expect(await resourceRow(store, id)).toMatchObject({ status: "FAILED", reason: { code: "NEEDS_ATTENTION" } });
  });

  test("what goes well between two stumbles forgets them", async () => {
    await store.worker.claim(ref, lease);
    written(await store.worker.advance(ref, { to: "stumbled", error: "E", reason, delaySeconds: 0, limit: 5 }));
    ref = await takenOver();
    await run(store, ref, { to: "sent", request: null, identifier: null });
    expect(await operation()).toMatchObject({ stumbles: 0 });
  });

  test("an unknown step is refused", async () => {
    await store.worker.claim(ref, lease);
    await expect(store.worker.advance(ref, { to: "sideways" } as unknown as Progress)).rejects.toThrow(/unknown step/);
  });
});
