import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { OperationRef } from "../../core/operation.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  caller,
  create,
  eventsOf,
  failed,
  lease,
  makeDue,
  newPlace,
  operationRows,
  type Place,
  ready,
  remove,
  resourceRow,
  send,
  sweep,
  update,
  written,
} from "./fixture.ts";

// An operation that has asked and ended without proof: what it asked for may still come, and nothing goes ahead of that (laws I1, I5).

let store: TestStore;
let place: Place;
let id: string;
let first: OperationRef;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newPlace(store);
  const db = create("db");
  id = db.resourceId;
  [first] = (await accept(store, place, [db])) as [OperationRef];
  await store.worker.claim(first, lease);
  await send(store, first);
  await store.worker.advance(first, { to: "sent", request: "req-1", identifier: null });
});

const row = async (ref: OperationRef) =>
  (await operationRows(store, id)).find((operation) => operation.id === ref.operation);
const current = async (): Promise<OperationRef> => {
  const [newest] = (await operationRows(store, id)).sort((a, b) => Number(b.generation) - Number(a.generation));
  return { team: place.team, operation: newest?.id ?? "", epoch: newest?.epoch ?? 0 };
};
const due = async () => (await sweep(store)).filter(({ team }) => team === place.team);

/** The older one under the epoch that the sweep gives it, and the work it has. */
async function resettled() {
  const [ref, ...others] = await due();
  expect([ref?.operation, others]).toEqual([first.operation, []]);
  await store.worker.claim(ref as OperationRef, lease);
  return { ref: ref as OperationRef, work: await send(store, ref as OperationRef) };
}

test("one that was overtaken takes what came after it down with it, and keeps its token and its request", async () => {
  const token = (await row(first))?.token;
  await accept(store, place, [update(id, "db", 1)]);
  expect(written(await store.worker.advance(first, failed(false)))).toEqual([]);
  expect(await row(first)).toMatchObject({ status: "FAILED", token });
  expect(await row(await current())).toMatchObject({ status: "FAILED", generation: 2 });
  expect(await resourceRow(store, id)).toMatchObject({
    status: "FAILED",
    reason: {
      code: "NEEDS_ATTENTION",
      message: "It is not known what became of the change before it: No such engine.",
    },
  });
  await makeDue(store, (await current()).operation);
  expect(await due()).toEqual([]);
});

test("a retry settles the older one first, under the same token and with its request", async () => {
  const token = (await row(first))?.token;
  await accept(store, place, [update(id, "db", 1)]);
  await store.worker.advance(first, failed(false));
  const second = await current();
  expect(await store.api.retryResource({ team: place.team }, caller, id)).toEqual({
    outcome: "retried",
    startable: [],
  });
  expect(await resourceRow(store, id)).toMatchObject({ reason: { code: "WAITING_FOR_PREVIOUS_CHANGE" } });

  const { ref, work } = await resettled();
  expect(work).toMatchObject({ superseded: true, token, request: "req-1" });
  const next = written(await store.worker.advance(ref, ready()));
  expect(next.map(({ operation }) => operation)).toEqual([second.operation]);
  expect((await row(first))?.status).toBe("SUPERSEDED");
  expect(await eventsOf(store, place, id)).toContain("operation.resettled");
});

test.each([
  ["an update", () => update(id, "db", 1)],
  ["a deletion", () => remove(id, "db", 1)],
])("%s of what failed without proof waits until that is settled", async (_what, change) => {
  await store.worker.advance(first, failed(false));
  expect(await accept(store, place, [change()])).toEqual([]);
  const { ref, work } = await resettled();
  expect(work).toMatchObject({ superseded: true, request: "req-1" });
  const next = written(await store.worker.advance(ref, ready()));
  expect(next.map(({ operation }) => operation)).toEqual([(await current()).operation]);
});

test("a proven failure keeps nobody waiting", async () => {
  await store.worker.advance(first, failed(true));
  const next = await accept(store, place, [remove(id, "db", 1)]);
  expect(next.map(({ operation }) => operation)).toEqual([(await current()).operation]);
});

test("what waits for a dependency and fails with the change before it does not go on when that is READY", async () => {
  const used = create("used");
  const [own] = (await accept(store, place, [used])) as [OperationRef];
  await accept(store, place, [update(id, "db", 1, [used.resourceId])]);
  await store.worker.advance(first, failed(false));
  await store.worker.claim(own, lease);
  await send(store, own);
  expect(written(await store.worker.advance(own, ready()))).toEqual([]);
  expect((await resourceRow(store, id)).reason?.code).toBe("NEEDS_ATTENTION");
});

test("one whose execution is lost again and again takes its successor down with it", async () => {
  await accept(store, place, [update(id, "db", 1)]);
  for (let lost = 0; lost < 10; lost++) {
    await makeDue(store, first.operation);
    const [taken] = (await due()).filter(({ operation }) => operation === first.operation);
    await store.worker.claim(taken as OperationRef, lease);
  }
  await makeDue(store, first.operation);
  expect((await due()).filter(({ operation }) => operation === first.operation)).toEqual([]);
  expect(await row(first)).toMatchObject({ status: "FAILED" });
  expect(await resourceRow(store, id)).toMatchObject({
    status: "FAILED",
    reason: { message: expect.stringContaining("It is not known what became of the change before it") },
  });
});

test("one that was retried, and overtaken before it was started again, is started by the sweep", async () => {
  await store.worker.advance(first, failed(false));
  await store.api.retryResource({ team: place.team }, caller, id);
  await accept(store, place, [remove(id, "db", 1)]);
  await makeDue(store, first.operation);
  const { ref } = await resettled();
  const next = written(await store.worker.advance(ref, ready()));
  expect(next.map(({ operation }) => operation)).toEqual([(await current()).operation]);
});
