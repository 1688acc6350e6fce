import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { OperationRef } from "../../core/operation.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  create,
  eventsOf,
  failed,
  lease,
  makeDue,
  newPlace,
  operationRows,
  type Place,
  ready,
  reason,
  resourceRow,
  run,
  sweep,
} from "./fixture.ts";

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newPlace(store);
});
/** The sweep is everybody's: what a test left is not the next one's. */
afterEach(() => store.as("owner").rows("update cairn.operations set due_at = 'infinity'"));

async function started(name = "db"): Promise<{ id: string; ref: OperationRef }> {
  const change = create(name);
  const [ref] = await accept(store, place, [change]);
  if (ref === undefined) throw new Error("nothing can start");
  return { id: change.resourceId, ref };
}

test("takes over what lost its execution, under a new epoch that fences the old one", async () => {
  const { id, ref } = await started();
  await store.worker.claim(ref, lease);
  expect(await sweep(store)).toEqual([]);
  await makeDue(store, ref.operation);
  expect(await sweep(store)).toEqual([{ ...ref, epoch: 2 }]);
  expect(await store.worker.advance(ref, ready())).toEqual({ outcome: "lost" });
  expect(await store.worker.work(ref, lease)).toBeNull();
  expect(await eventsOf(store, place, id)).toContain("operation.taken-over");
  await run(store, { ...ref, epoch: 2 }, ready());
  expect(await resourceRow(store, id)).toMatchObject({ status: "READY" });
});

test("starts what was accepted and never started", async () => {
  const { ref } = await started();
  await makeDue(store, ref.operation);
  expect(await sweep(store)).toEqual([{ ...ref, epoch: 2 }]);
});

test("a timeline says why somebody else goes on, and of an attempt only once that it began", async () => {
  const { id, ref } = await started();
  const takeOver = async () => {
    await makeDue(store, ref.operation);
    const [taken] = await sweep(store);
    if (taken === undefined) throw new Error("nothing was due");
    return taken;
  };
  const claims = async (taken: OperationRef) =>
    expect((await store.worker.claim(taken, lease)).outcome).toBe("claimed");
  await claims(await takeOver());
  const second = await takeOver();
  await claims(second);
  const pause = { to: "wait", reason, delaySeconds: 0 } as const;
  expect((await store.worker.advance(second, pause)).outcome).toBe("written");
  await claims(await takeOver());
  const page = await store.api.resourceEvents({ team: place.team }, id, { limit: 100, cursor: null });
  expect(page?.items.slice(1).map(({ message }) => message.replace(/until \S+:/, "until then:"))).toEqual([
    "It was still to be started, so Cairn started it.",
    "Work began (attempt 1).",
    "Whoever worked on it stopped, so Cairn picked it up again.",
    "Work went on (attempt 1).",
    `It waits until then: ${reason.message}`,
    "The wait is over, so it goes on.",
    "Work went on (attempt 1).",
  ]);
});

test("resumes what has waited long enough", async () => {
  const { ref } = await started();
  await run(store, ref, { to: "wait", reason, delaySeconds: 600 });
  expect(await sweep(store)).toEqual([]);
  await makeDue(store, ref.operation);
  expect(await sweep(store)).toEqual([{ ...ref, epoch: 2 }]);
});

test("gives what it takes over time to be claimed, and not twice", async () => {
  const { ref } = await started();
  await makeDue(store, ref.operation);
  expect(await sweep(store)).toHaveLength(1);
  expect(await sweep(store)).toEqual([]);
});

test("leaves what waits for a dependency, looks again later, and starts it when its turn came unnoticed", async () => {
  const a = create("a");
  const b = create("b", [a.resourceId]);
  const [ref] = await accept(store, place, [a, b]);
  if (ref === undefined) throw new Error("nothing can start");
  await makeDue(store, b.operationId ?? "");
  expect(await sweep(store)).toEqual([]);
  expect(await operationRows(store, b.resourceId)).toMatchObject([{ status: "PENDING", epoch: 1 }]);

  await run(store, ref, ready());
  await makeDue(store, b.operationId ?? "");
  expect(await sweep(store)).toMatchObject([{ operation: b.operationId }]);
});

test("looks again at what cannot start yet at a time of its own each, so that many do not come back at once", async () => {
  const a = create("a");
  const dependents = ["b", "c", "d", "e", "f", "g"].map((name) => create(name, [a.resourceId]));
  await accept(store, place, [a, ...dependents]);
  await store.as("owner").rows("update cairn.operations set due_at = 'infinity' where resource_id = :id::uuid", {
    id: a.resourceId,
  });
  for (const { operationId } of dependents) await makeDue(store, operationId ?? "");
  const before = Date.now();
  expect(await sweep(store)).toEqual([]);
  const due: number[] = [];
  for (const { resourceId } of dependents) {
    due.push(Date.parse((await operationRows(store, resourceId))[0]?.due_at ?? ""));
  }
  expect(new Set(due).size).toBe(dependents.length);
  expect(Math.min(...due)).toBeGreaterThan(before + 55_000);
  expect(Math.max(...due)).toBeLessThan(before + 130_000);
  expect(Math.max(...due) - Math.min(...due)).toBeGreaterThan(2000);
});

test("notices a failed dependency", async () => {
  const a = create("a");
  const b = create("b", [a.resourceId]);
  const [ref] = await accept(store, place, [a, b]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, failed());
  await store
    .as("owner")
    .rows("update cairn.operations set status = 'PENDING', reason = null where id = :id::uuid", { id: b.operationId });
  await makeDue(store, b.operationId ?? "");
  expect(await sweep(store)).toEqual([]);
  expect(await resourceRow(store, b.resourceId)).toMatchObject({
    status: "FAILED",
    reason: { code: "DEPENDENCY_FAILED" },
  });
});

test("is one statement and writes nothing when nothing is due", async () => {
  await started();
  const written =
    "select to_jsonb(sum(n_tup_ins + n_tup_upd + n_tup_del)) from pg_stat_xact_user_tables where schemaname = 'cairn'";
  const session = await store.session("worker");
  await session.query("begin");
  expect((await session.query("select s from cairn.sweep(100, 60) s")).rows).toEqual([]);
  expect((await session.query(written)).rows[0]?.to_jsonb).toBe(0);
  expect((await session.query("select pg_current_xact_id_if_assigned() as xid")).rows[0]?.xid).toBeNull();
  await session.query("rollback");
  await session.end();
  store.counted.statements = 0;
  await sweep(store);
  expect(store.counted.statements).toBe(1);
});

test("takes a bounded batch, the longest due first", async () => {
  const refs: OperationRef[] = [];
  for (const name of ["a", "b", "c"]) refs.push((await started(name)).ref);
  for (const [index, { operation }] of refs.entries()) {
    await store
      .as("owner")
      .rows("update cairn.operations set due_at = now() - make_interval(secs => :age) where id = :operation::uuid", {
        operation,
        age: index + 1,
      });
  }
  const operations = async () => (await sweep(store, 2)).map(({ operation }) => operation);
  expect(await operations()).toEqual([refs[2]?.operation, refs[1]?.operation]);
  expect(await operations()).toEqual([refs[0]?.operation]);
});

test("is not kept by what one team has waiting from what another has lost", async () => {
  const hub = await started("hub");
  const names = Array.from({ length: 30 }, (_, number) => `user-${number}`);
  await accept(
    store,
    place,
    names.map((name) => create(name, [hub.id])),
  );
  await store
    .as("owner")
    .rows("update cairn.operations set due_at = now() - interval '1 hour' where team_id = :team and id <> :hub::uuid", {
      team: place.team,
      hub: hub.ref.operation,
    });
  place = await newPlace(store);
  const { ref } = await started();
  await store.worker.claim(ref, lease);
  await makeDue(store, ref.operation);
  expect(await sweep(store, 10)).toEqual([{ ...ref, epoch: 2 }]);
});

test("goes past a service that somebody is busy with, and the next one takes it", async () => {
  const { ref } = await started();
  await makeDue(store, ref.operation);
  const busy = await store.session("superuser");
  await busy.query("begin");
  await busy.query("select from cairn.service_environments where team_id = $1 for update", [place.team]);
  expect(await sweep(store)).toEqual([]);
  await busy.query("rollback");
  await busy.end();
  expect(await sweep(store)).toHaveLength(1);
});
