import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { hashOf, type Json } from "../../core/json.ts";
import type { OperationRef } from "../../core/operation.ts";
import type { Change } from "../../core/store.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  again,
  create,
  definitionOf,
  eventsOf,
  failed,
  lease,
  makeReady,
  newPlace,
  operationRows,
  type Place,
  ready,
  remove,
  resourceRow,
  run,
  send,
  update,
  written,
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

async function only(startable: Promise<OperationRef[]>): Promise<OperationRef> {
  const [ref, ...rest] = await startable;
  if (ref === undefined || rest.length > 0) throw new Error(`not one startable but ${rest.length + (ref ? 1 : 0)}`);
  return ref;
}

/** a ← b ← c, each with its change. */
function chain(): [Change, Change, Change] {
  const a = create("a");
  const b = create("b", [a.resourceId]);
  return [a, b, create("c", [b.resourceId])];
}

const statusOf = async (change: Change) => {
  const { status, reason } = await resourceRow(store, change.resourceId);
  return reason === null ? status : `${status} ${reason.code}`;
};

test("a dependent waits with a reason and becomes startable when what it needs is READY", async () => {
  const [a, b, c] = chain();
  // The dependents come first in the list: order in the intent means nothing.
  const first = await only(accept(store, place, [c, b, a]));
  expect(first.operation).toBe(a.operationId);
  expect(await statusOf(b)).toBe("PENDING WAITING_FOR_DEPENDENCY");
  expect((await resourceRow(store, b.resourceId)).reason?.message).toBe("Starts when a is READY.");

  const second = await only(run(store, first, ready()));
  expect(second.operation).toBe(b.operationId);
  const third = await only(run(store, second, ready()));
  expect(third.operation).toBe(c.operationId);
  expect(await run(store, third, ready())).toEqual([]);
  expect(await Promise.all([a, b, c].map(statusOf))).toEqual(["READY", "READY", "READY"]);
});

test("one of two that are needed is not enough", async () => {
  const [a, b] = [create("a"), create("b")];
  const c = create("c", [a.resourceId, b.resourceId]);
  const refs = await accept(store, place, [a, b, c]);
  expect(refs).toHaveLength(2);
  const [one, other] = refs as [OperationRef, OperationRef];
  expect(await run(store, one, ready())).toEqual([]);
  expect(await run(store, other, ready())).toMatchObject([{ operation: c.operationId }]);
});

test("a failure fails its dependents over two levels, and each goes on when what it needs is READY", async () => {
  const [a, b, c] = chain();
  const first = await only(accept(store, place, [a, b, c]));
  expect(await run(store, first, failed())).toEqual([]);
  expect(await statusOf(b)).toBe("FAILED DEPENDENCY_FAILED");
  expect(await statusOf(c)).toBe("FAILED DEPENDENCY_FAILED");
  expect((await resourceRow(store, c.resourceId)).reason?.message).toMatch(/^Needs b, which failed/);

  const retried = await only(accept(store, place, [again("retry", a.resourceId, "a", 1)]));
  const second = await only(run(store, retried, ready()));
  expect(second).toEqual({ team: place.team, operation: b.operationId, epoch: 2 });
  expect(await statusOf(b)).toBe("PENDING");
  const third = await only(run(store, second, ready()));
  expect(third.operation).toBe(c.operationId);
  await run(store, third, ready());
  expect(await statusOf(c)).toBe("READY");
  expect(await eventsOf(store, place, c.resourceId)).toEqual([
    "resource.create",
    "operation.blocked",
    "operation.unblocked",
    "operation.claimed",
    "operation.ready",
  ]);
});

test("what needs something that has failed before is FAILED at once", async () => {
  const a = create("a");
  await run(store, await only(accept(store, place, [a])), failed());
  const b = create("b", [a.resourceId]);
  expect(await accept(store, place, [b])).toEqual([]);
  expect(await statusOf(b)).toBe("FAILED DEPENDENCY_FAILED");
});

test("a READY dependent stays READY when an update of what it uses fails", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  await run(store, await only(accept(store, place, [update(a, "a", 1)])), failed());
  expect(await resourceRow(store, b)).toMatchObject({ status: "READY", generation: 1 });
});

test("a changed output re-applies its dependents as a new generation under the same decision", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  const again = await only(accept(store, place, [update(a, "a", 1)]));
  const reapplied = await only(run(store, again, ready({ name: "another" })));
  expect(await resourceRow(store, b)).toMatchObject({
    status: "PENDING",
    generation: 2,
    operation_id: reapplied.operation,
  });
  const decisions = await store
    .as("owner")
    .rows("select to_jsonb(count(distinct decision_id)) from cairn.operations where resource_id = :b::uuid", { b });
  expect(decisions).toEqual([1]);
  expect(await eventsOf(store, place, b)).toContain("resource.reapplied");
  await store.worker.claim(reapplied, lease);
  expect(await store.worker.work(reapplied, lease)).toMatchObject({ dependencies: { a: { name: "another" } } });
});

test("what was asked for and then overtaken still knows the values it sent, of the resource that had the name then", async () => {
  const a = await makeReady(store, place, "a");
  const b = create("b", [a]);
  const definition = definitionOf("b", { Source: "${resources.a.outputs.name}" });
  const definitionHash = hashOf(definition as unknown as Json);
  const asking = await only(accept(store, place, [{ ...b, definition, definitionHash }]));
  await store.worker.claim(asking, lease);
  await send(store, asking);
  // The edges are the newest generation's, which has none; then another resource takes the name.
  await accept(store, place, [update(b.resourceId, "b", 1), remove(a, "a", 1)]);
  expect(await store.worker.work(asking, lease)).toMatchObject({
    superseded: true,
    dependencies: { a: { name: "a" } },
  });
  await run(store, await only(accept(store, place, [create("a")])), ready({ name: "another" }));
  expect(await store.worker.work(asking, lease)).toMatchObject({ dependencies: { a: { name: "a" } } });
});

test("a dependent is re-applied even when the operations of its making are past their retention", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  await store.as("owner").rows("delete from cairn.operations where team_id = :team", { team: place.team });
  const again = await only(accept(store, place, [update(a, "a", 1)]));
  await run(store, again, ready({ name: "another" }));
  expect(await resourceRow(store, b)).toMatchObject({ status: "PENDING", generation: 2 });
});

test("the same outputs re-apply nothing", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  expect(await run(store, await only(accept(store, place, [update(a, "a", 1)])), ready({ name: "a" }))).toEqual([]);
  expect(await resourceRow(store, b)).toMatchObject({ status: "READY", generation: 1 });
});

test("deleting goes the other way: last what others use", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  const c = await makeReady(store, place, "c", [b]);
  const first = await only(accept(store, place, [remove(a, "a", 1), remove(b, "b", 1), remove(c, "c", 1)]));
  expect((await resourceRow(store, c)).operation_id).toBe(first.operation);
  expect((await resourceRow(store, a)).reason).toMatchObject({
    code: "WAITING_FOR_DEPENDENCY",
    message: "Starts when b no longer uses it.",
  });
  const second = await only(run(store, first, { to: "deleted" }));
  expect((await resourceRow(store, b)).operation_id).toBe(second.operation);
  const third = await only(run(store, second, { to: "deleted" }));
  expect((await resourceRow(store, a)).operation_id).toBe(third.operation);
  await run(store, third, { to: "deleted" });
  expect(
    await store
      .as("owner")
      .rows("select to_jsonb(e) from cairn.resource_dependencies e where team_id = :team", { team: place.team }),
  ).toEqual([]);
});

test("what is still used outside is deleted last, though an update that nobody sent had dropped it", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  await accept(store, place, [update(b, "b", 1, [])]);
  const first = await only(accept(store, place, [remove(a, "a", 1), remove(b, "b", 2)]));
  expect((await resourceRow(store, b)).operation_id).toBe(first.operation);
  const second = await only(run(store, first, { to: "deleted" }));
  expect((await resourceRow(store, a)).operation_id).toBe(second.operation);
});

test("what an update drops is deleted when that is READY, and not when it failed", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  const dropped = await only(accept(store, place, [update(b, "b", 1, [])]));
  expect(await accept(store, place, [remove(a, "a", 1)])).toEqual([]);
  expect((await resourceRow(store, a)).reason?.message).toBe("Starts when b no longer uses it.");

  expect(await run(store, dropped, failed())).toEqual([]);
  expect(await resourceRow(store, a)).toMatchObject({ status: "FAILED", reason: { code: "DEPENDENCY_FAILED" } });
  const retried = await only(accept(store, place, [again("retry", b, "b", 2)]));
  const deletion = await only(run(store, retried, ready()));
  expect((await resourceRow(store, a)).operation_id).toBe(deletion.operation);
  await run(store, deletion, { to: "deleted" });
  expect(await resourceRow(store, a)).toMatchObject({ status: "DELETED" });
});

test("what was never asked for uses nothing: the deletions of both start at once", async () => {
  const a = await makeReady(store, place, "a");
  const b = create("b", [a]);
  await accept(store, place, [b]);
  expect(await accept(store, place, [remove(a, "a", 1), remove(b.resourceId, "b", 1)])).toHaveLength(2);
});

test("two that used each other one after the other do not wait for each other", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  await accept(store, place, [update(b, "b", 1, [])]);
  expect(await accept(store, place, [update(a, "a", 1, [b])])).toEqual([]);
  const first = await only(accept(store, place, [remove(a, "a", 2), remove(b, "b", 2)]));
  expect((await resourceRow(store, b)).operation_id).toBe(first.operation);
  await run(store, await only(run(store, first, { to: "deleted" })), { to: "deleted" });
  expect(await Promise.all([a, b].map((id) => resourceRow(store, id)))).toMatchObject([
    { status: "DELETED" },
    { status: "DELETED" },
  ]);
});

test("a failed deletion fails what it uses over two levels, and they go on when it is deleted", async () => {
  const a = await makeReady(store, place, "a");
  const b = await makeReady(store, place, "b", [a]);
  const c = await makeReady(store, place, "c", [b]);
  const first = await only(accept(store, place, [remove(a, "a", 1), remove(b, "b", 1), remove(c, "c", 1)]));
  await run(store, first, failed());
  for (const id of [a, b])
    expect(await resourceRow(store, id)).toMatchObject({ status: "FAILED", reason: { code: "DEPENDENCY_FAILED" } });

  const intent = { action: "delete" as const, ...place, resources: ["c"] };
  const retried = await only(accept(store, place, [again("retry", c, "c", 2)], { intent }));
  expect(await resourceRow(store, c)).toMatchObject({ status: "DELETING" });
  const second = await only(run(store, retried, { to: "deleted" }));
  const third = await only(run(store, second, { to: "deleted" }));
  await run(store, third, { to: "deleted" });
  expect(await resourceRow(store, a)).toMatchObject({ status: "DELETED" });
});

test("what has asked no provider yet is overtaken at once, fenced and audited", async () => {
  const a = create("a");
  const ref = await only(accept(store, place, [a]));
  await store.worker.claim(ref, lease);
  const next = await only(accept(store, place, [update(a.resourceId, "a", 1)]));
  expect(await operationRows(store, a.resourceId)).toMatchObject([
    { status: "SUPERSEDED" },
    { id: next.operation, status: "PENDING" },
  ]);
  expect(await store.worker.workToSend(ref, lease, "d", false)).toBeNull();
  expect(await store.worker.advance(ref, ready())).toEqual({ outcome: "lost" });
  expect(await eventsOf(store, place, a.resourceId)).toContain("operation.superseded");
});

test.each([
  ["ready", ready({ name: "old" })],
  ["failed", failed()],
  [
    "next-attempt",
    { to: "next-attempt", reason: { code: "PROVIDER_UNAVAILABLE", message: "busy", retryAt: null }, delaySeconds: 5 },
  ],
] as const)("what has asked settles first (%s), then its successor starts", async (_step, progress) => {
  const a = create("a");
  const ref = await only(accept(store, place, [a]));
  await store.worker.claim(ref, lease);
  await send(store, ref);
  const change = update(a.resourceId, "a", 1);
  expect(await accept(store, place, [change])).toEqual([]);
  expect(await statusOf(a)).toBe("PENDING WAITING_FOR_PREVIOUS_CHANGE");
  expect(await store.worker.work(ref, lease)).toMatchObject({ superseded: true, generation: 1 });
  const successor = { team: place.team, operation: change.operationId ?? "", epoch: 1 };
  expect(await store.worker.advance(ref, progress)).toEqual({ outcome: "written", startable: [successor] });
  expect(await operationRows(store, a.resourceId)).toMatchObject([{ status: "SUPERSEDED" }, { status: "PENDING" }]);
  // What the older generation made is known, but its outputs are nobody's.
  expect(await resourceRow(store, a.resourceId)).toMatchObject({ status: "PENDING", generation: 2, outputs: {} });
  await run(store, successor, ready());
  expect(await statusOf(a)).toBe("READY");
});

test("a successor claimed too early is blocked until the change before it has ended", async () => {
  const a = create("a");
  const ref = await only(accept(store, place, [a]));
  await store.worker.claim(ref, lease);
  await send(store, ref);
  const change = update(a.resourceId, "a", 1);
  await accept(store, place, [change]);
  const early = { team: place.team, operation: change.operationId ?? "", epoch: 1 };
  expect(await store.worker.claim(early, lease)).toEqual({ outcome: "blocked" });
  expect(written(await store.worker.advance(ref, ready()))).toEqual([{ ...early, epoch: 2 }]);
});

test("a predecessor that waits for an unknown outcome goes on waiting as a row", async () => {
  const a = create("a");
  const ref = await only(accept(store, place, [a]));
  await store.worker.claim(ref, lease);
  await send(store, ref);
  await accept(store, place, [update(a.resourceId, "a", 1)]);
  const wait = {
    to: "wait",
    reason: { code: "PROVIDER_UNAVAILABLE", message: "no answer", retryAt: null },
    delaySeconds: 5,
  } as const;
  expect(written(await store.worker.advance(ref, wait))).toEqual([]);
  expect(await operationRows(store, a.resourceId)).toMatchObject([{ status: "WAITING" }, { status: "PENDING" }]);
});

test("a delete overtakes a create that was never sent, and waits for one that was", async () => {
  const [unsent, sent] = [create("unsent"), create("sent")];
  const refs = await accept(store, place, [unsent, sent]);
  const ref = refs.find(({ operation }) => operation === sent.operationId);
  if (ref === undefined) throw new Error("nothing can start");
  await store.worker.claim(ref, lease);
  await send(store, ref);
  const startable = await accept(store, place, [
    remove(unsent.resourceId, "unsent", 1),
    remove(sent.resourceId, "sent", 1),
  ]);
  expect(startable).toHaveLength(1);
  expect(startable[0]?.operation).toBe((await resourceRow(store, unsent.resourceId)).operation_id);
  expect(written(await store.worker.advance(ref, ready()))).toHaveLength(1);
});
