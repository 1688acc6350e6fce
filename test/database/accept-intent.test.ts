import { v7 as newId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  acceptanceOf,
  again,
  caller,
  create,
  failed,
  makeReady,
  newPlace,
  operationRows,
  remove,
  resourceRow,
  run,
  update,
} from "./fixture.ts";

let store: TestStore;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

test("a create stores the resource, its pending operation, the decision and the answer, and can start", async () => {
  const place = await newPlace(store);
  const change = create("db");
  const acceptance = acceptanceOf(place, [change]);
  const result = await store.api.acceptIntent(acceptance);

  expect(result).toEqual({
    outcome: "accepted",
    startable: [{ team: place.team, operation: change.operationId, epoch: 1 }],
  });
  expect(await store.api.resource({ team: place.team }, change.resourceId)).toMatchObject({
    ...place,
    id: change.resourceId,
    name: "db",
    status: "PENDING",
    generation: 1,
    outputs: {},
    reason: null,
    external: null,
  });
  expect(await operationRows(store, change.resourceId)).toMatchObject([
    { id: change.operationId, status: "PENDING", epoch: 1, attempt: 1, token_used_at: null },
  ]);
  expect(await store.api.intent({ team: place.team }, acceptance.intentId)).toEqual(acceptance.response);
  expect(await store.api.decision({ team: place.team }, acceptance.decision.id)).toMatchObject({
    id: acceptance.decision.id,
    intentId: acceptance.intentId,
    allow: true,
    inputHash: "c".repeat(64),
  });
});

test("the service comes into being with its team's first intent, and its creation is audited once", async () => {
  const place = await newPlace(store);
  await makeReady(store, place, "db");
  await makeReady(store, place, "cache");
  expect(await store.api.service({ team: place.team }, place.team, "orders")).toMatchObject({ service: "orders" });
  expect(
    await store
      .as("owner")
      .rows("select to_jsonb(event) from cairn.audit_log where team_id = :team and event = 'service.created'", {
        team: place.team,
      }),
  ).toEqual(["service.created"]);
});

test("an update is a new generation with a token of its own; what was READY stays reachable by its identifier", async () => {
  const place = await newPlace(store);
  const id = await makeReady(store, place, "db");
  const change = update(id, "db", 1);
  expect(await accept(store, place, [change])).toEqual([{ team: place.team, operation: change.operationId, epoch: 1 }]);
  expect(await resourceRow(store, id)).toMatchObject({ status: "PENDING", generation: 2, identifier: "x" });
  const tokens = (await operationRows(store, id)).map(({ token }) => token);
  expect(new Set(tokens).size).toBe(2);
});

test("what changes nothing is READY at once, with no operation and no new generation", async () => {
  const place = await newPlace(store);
  const id = await makeReady(store, place, "db");
  const acceptance = acceptanceOf(place, [again("none", id, "db", 1)]);
  expect(await store.api.acceptIntent(acceptance)).toEqual({ outcome: "accepted", startable: [] });
  expect(await operationRows(store, id)).toHaveLength(1);
  expect(await store.api.intent({ team: place.team }, acceptance.intentId)).toMatchObject({
    status: "READY",
    resources: [{ id, status: "READY" }],
  });
});

test("what is already under way is answered with the operation that does it", async () => {
  const place = await newPlace(store);
  const change = create("db");
  await accept(store, place, [change]);
  const acceptance = acceptanceOf(place, [again("none", change.resourceId, "db", 1)]);
  expect(await store.api.acceptIntent(acceptance)).toEqual({
    outcome: "accepted",
    startable: [],
  });
  expect(await store.api.intent({ team: place.team }, acceptance.intentId)).toMatchObject({ status: "PENDING" });
});

test("a retry of what failed is the same operation under a new epoch", async () => {
  const place = await newPlace(store);
  const change = create("db");
  const [ref] = await accept(store, place, [change]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, failed(false));
  expect(await accept(store, place, [again("retry", change.resourceId, "db", 1)])).toEqual([{ ...ref, epoch: 2 }]);
  expect(await resourceRow(store, change.resourceId)).toMatchObject({ status: "PENDING", generation: 1, reason: null });
});

test("a retry of what failed longer ago than operations are kept gets a new operation", async () => {
  const place = await newPlace(store);
  const change = create("db");
  const [ref] = await accept(store, place, [change]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, failed(true));
  await store.as("owner").rows("delete from cairn.operations where team_id = :team", { team: place.team });
  const [fresh] = await accept(store, place, [again("retry", change.resourceId, "db", 1)]);
  expect(fresh?.operation).not.toBe(ref.operation);
  expect(await operationRows(store, change.resourceId)).toMatchObject([
    { id: fresh?.operation, status: "PENDING", generation: 1 },
  ]);
});

test("a delete frees the name at once: a new resource takes it while the old one is going", async () => {
  const place = await newPlace(store);
  const old = await makeReady(store, place, "db");
  await accept(store, place, [remove(old, "db", 1)]);
  const anew = create("db");
  expect(await accept(store, place, [anew])).toHaveLength(1);
  const page = await store.api.resources({ team: place.team }, {}, { limit: 10, cursor: null });
  expect(page.items.map(({ id, status }) => [id, status])).toEqual([
    [old, "DELETING"],
    [anew.resourceId, "PENDING"],
  ]);
});

test("a delete of what is being deleted is accepted and changes nothing", async () => {
  const place = await newPlace(store);
  const id = await makeReady(store, place, "db");
  const change = remove(id, "db", 1);
  await accept(store, place, [change]);
  const acceptance = acceptanceOf(place, [again("none", id, "db", 2)], {
    intent: { action: "delete", ...place, resources: ["db"] },
  });
  expect(await store.api.acceptIntent(acceptance)).toMatchObject({ outcome: "accepted" });
  expect(await operationRows(store, id)).toHaveLength(2);
});

test("the same key gives the first answer again, and nothing is stored", async () => {
  const place = await newPlace(store);
  const first = acceptanceOf(place, [create("db")], { key: "k1" });
  await store.api.acceptIntent(first);
  const second = acceptanceOf(place, [create("other")], { key: "k1", requestHash: "f".repeat(64) });
  expect(await store.api.acceptIntent(second)).toEqual({
    outcome: "replayed",
    requestHash: first.requestHash,
    response: first.response,
  });
  expect(await store.api.resource({ team: place.team }, second.changes[0]?.resourceId ?? "")).toBeNull();
  expect(await store.api.intent({ team: place.team }, second.intentId)).toBeNull();
});

test("a key is a team's own, and after seven days it is free again", async () => {
  const [place, other] = [await newPlace(store), await newPlace(store)];
  await accept(store, place, [create("db")], { key: "shared" });
  await accept(store, other, [create("db")], { key: "shared" });
  await store
    .as("owner")
    .rows("update cairn.idempotency_keys set created_at = now() - interval '7 days 1 second' where team_id = :team", {
      team: place.team,
    });
  await accept(store, place, [create("cache")], { key: "shared" });
});

test.each<[string, (id: string) => ReturnType<typeof create>]>([
  ["an update decided on an older generation", (id) => update(id, "db", 3)],
  ["a delete decided on an older generation", (id) => remove(id, "db", 4)],
  ["a create whose name was taken meanwhile", () => create("db")],
  ["a create whose id exists", (id) => create("other", [], id)],
  ["a retry of what has not failed", (id) => again("retry", id, "db", 1)],
  ["a change of what is not there", () => update(newId(), "gone", 1)],
])("%s is a conflict that leaves everything as it was", async (_reason, make) => {
  const place = await newPlace(store);
  const id = await makeReady(store, place, "db");
  const before = await resourceRow(store, id);
  const acceptance = acceptanceOf(place, [create("first"), make(id)]);
  expect(await store.api.acceptIntent(acceptance)).toEqual({ outcome: "conflict" });
  expect(await resourceRow(store, id)).toEqual(before);
  expect(await store.api.resource({ team: place.team }, acceptance.changes[0]?.resourceId ?? "")).toBeNull();
});

test("what failed since it was decided to be as wanted is a conflict, not a READY that is none", async () => {
  const place = await newPlace(store);
  const change = create("db");
  const [ref] = await accept(store, place, [change]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, failed());
  expect(await store.api.acceptIntent(acceptanceOf(place, [again("none", change.resourceId, "db", 1)]))).toEqual({
    outcome: "conflict",
  });
});

test("an intent that depends on others holds at one version of its service only", async () => {
  const place = await newPlace(store);
  const asked = { ...place, names: null, key: null };
  expect((await store.api.intentContext({ team: place.team }, asked)).version).toBe(0);
  const db = await makeReady(store, place, "db");
  expect((await store.api.intentContext({ team: place.team }, asked)).version).toBe(1);
  const late = acceptanceOf(place, [create("url", [db])], { expectedVersion: 0 });
  expect(await store.api.acceptIntent(late)).toEqual({ outcome: "conflict" });
  await accept(store, place, [create("url", [db])], { expectedVersion: 1 });
});

test("the context holds the definitions that were asked for, edges, operations and the key's answer", async () => {
  const place = await newPlace(store);
  const db = await makeReady(store, place, "db");
  const acceptance = acceptanceOf(place, [create("url", [db])], { key: "k" });
  await store.api.acceptIntent(acceptance);
  const context = await store.api.intentContext({ team: place.team }, { ...place, names: ["db"], key: "k" });
  expect(context.key).toEqual({ requestHash: acceptance.requestHash, response: acceptance.response });
  expect(context.environment).toEqual({ tier: "staging" });
  expect(context.resources).toMatchObject([
    { id: db, name: "db", status: "READY", definition: { type: "bucket" }, outputKeys: ["name"], dependsOn: [] },
    { name: "url", definition: null, dependsOn: [db], operation: { kind: "apply", status: "PENDING" } },
  ]);
});

test("a context of more than one answer is read in pages", async () => {
  const place = await newPlace(store);
  const padding = "x".repeat(30_000);
  const changes = Array.from({ length: 40 }, (_, index) => create(`r${index}`));
  for (const { definition } of changes) if (definition) definition.properties = { padding };
  await accept(store, place, changes);
  store.counted.statements = 0;
  const context = await store.api.intentContext({ team: place.team }, { ...place, names: null, key: null });
  expect(context.resources.map(({ id }) => id)).toEqual(changes.map(({ resourceId }) => resourceId).sort());
  expect(store.counted.statements).toBe(3);
});

test("an unknown team or environment stores nothing", async () => {
  const unknown = { team: "nobody", service: "orders", environment: "staging" };
  expect(await store.api.intentContext("platform", { ...unknown, names: null, key: null })).toMatchObject({
    team: null,
    version: 0,
  });
  await expect(store.api.acceptIntent(acceptanceOf(unknown, [create("db")], { scope: "platform" }))).rejects.toThrow(
    /services_team_id_fkey/,
  );
  const place = { ...(await newPlace(store)), environment: "moon" };
  await expect(store.api.acceptIntent(acceptanceOf(place, [create("db")]))).rejects.toThrow(/environment_fkey/);
  expect(await store.api.service("platform", place.team, "orders")).toBeNull();
});

test("a denial is remembered with its violations, and changes nothing", async () => {
  const place = await newPlace(store);
  const { scope, intent, decision } = acceptanceOf(place, [create("db")]);
  const violations = [{ rule: "class-allowed", resource: "db" }];
  await store.api.recordDenial({ scope, caller, intent, decision: { ...decision, violations } });
  expect(await store.api.decision({ team: place.team }, decision.id)).toMatchObject({
    allow: false,
    intentId: null,
    violations,
  });
  expect(await store.api.service({ team: place.team }, place.team, "orders")).toBeNull();
});

test("accepting is two round trips", async () => {
  const place = await newPlace(store);
  store.counted.statements = 0;
  await store.api.intentContext({ team: place.team }, { ...place, names: ["db"], key: "k" });
  await accept(store, place, [create("db"), create("cache")]);
  expect(store.counted.statements).toBe(2);
});
