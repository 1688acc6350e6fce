import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { OperationRef } from "../../core/operation.ts";
import type { Change } from "../../core/store.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  acceptanceOf,
  create,
  lease,
  makeDue,
  newPlace,
  type Place,
  ready,
  remove,
  resourceRow,
  send,
  sweep,
  written,
} from "./fixture.ts";

// A row of the Data API holds 64 KB, and nothing says how many resources use one, or how many a service has.

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newPlace(store);
});

const longName = (number: number) => `r${String(number).padStart(4, "0")}${"x".repeat(35)}`;

/** As many as an intent may name at once, again and again. */
async function createMany(count: number, dependsOn: string[] = []): Promise<Change[]> {
  const made: Change[] = [];
  while (made.length < count) {
    const size = Math.min(100, count - made.length);
    const changes = Array.from({ length: size }, (_, at) => create(longName(made.length + at), dependsOn));
    await accept(store, place, changes);
    made.push(...changes);
  }
  return made;
}

/** FAILED ones, whatever they are made of; as many as no test would wait for to be accepted. */
async function makeAlike(id: string, count: number): Promise<void> {
  await store.as("owner").rows(
    `insert into cairn.resources (team_id, id, service, environment, name, type, version, provider, status, generation, definition,
      definition_hash, operation_id, decision_id)
    select team_id, gen_random_uuid(), service, environment, 'r' || lpad(n::text, 4, '0') || repeat('x', 35), type, version, provider,
      'FAILED', generation, definition, definition_hash, operation_id, decision_id
    from cairn.resources, generate_series(1, :count::integer) n where id = :id::uuid`,
    { id, count },
  );
}

test("of 800 that one makes startable a hundred are named, and a sweep starts others", async () => {
  const hub = create("hub");
  const [ref] = (await accept(store, place, [hub])) as [OperationRef];
  await store.worker.claim(ref, lease);
  await send(store, ref);
  const users = await createMany(800, [hub.resourceId]);
  const named = written(await store.worker.advance(ref, ready())).map(({ operation }) => operation);
  expect(named).toHaveLength(100);
  const left = users.map(({ operationId }) => operationId ?? "").filter((operation) => !named.includes(operation));
  for (const operation of left.slice(0, 3)) await makeDue(store, operation);
  expect((await sweep(store)).map(({ operation }) => operation).sort()).toEqual(left.slice(0, 3).sort());
}, 60_000);

test("a reason that names all it waits for is cut", async () => {
  const needed = Array.from({ length: 40 }, (_, number) => create(longName(number)));
  const user = create(
    "user",
    needed.map(({ resourceId }) => resourceId),
  );
  await accept(store, place, [...needed, user]);
  const { reason } = await resourceRow(store, user.resourceId);
  expect(reason?.code).toBe("WAITING_FOR_DEPENDENCY");
  expect(reason?.message).toMatch(/^Starts when r0000x+, r0001x+, .*…$/);
  expect(reason?.message).toHaveLength(1000);
});

test("a timeline can be read where 1,600 keep a resource from going on: 50 are named, and the others counted", async () => {
  const hub = create("hub");
  const user = create(longName(0));
  await accept(store, place, [hub, user]);
  await makeAlike(user.resourceId, 1600);
  await store.as("owner").rows(
    `insert into cairn.outside_dependencies (team_id, resource_id, depends_on)
    select team_id, id, :hub::uuid from cairn.resources where team_id = :team and status = 'FAILED'`,
    { hub: hub.resourceId, team: place.team },
  );
  await accept(store, place, [remove(hub.resourceId, "hub", 1)]);
  const events = await store.api.resourceEvents({ team: place.team }, hub.resourceId, { limit: 50, cursor: null });
  const blocked = events?.items.find(({ event }) => event === "operation.blocked");
  expect(blocked?.detail).toEqual({ by: Array.from({ length: 50 }, (_, at) => longName(at + 1)), more: 1550 });
  expect(blocked?.message).toMatch(/^It cannot go on: r0001x+, .*, r0050x+ and 1550 more failed\.$/);
});

test("giving up what 1,600 use is refused with 50 of their names, and the others counted", async () => {
  const hub = create("hub");
  const user = create(longName(0));
  await accept(store, place, [hub, user]);
  await makeAlike(user.resourceId, 1600);
  await store.as("owner").rows(
    `insert into cairn.resource_dependencies (team_id, resource_id, depends_on)
    select team_id, id, :hub::uuid from cairn.resources where team_id = :team and status = 'FAILED'`,
    { hub: hub.resourceId, team: place.team },
  );
  const platform = { subject: "pia", role: "platform", team: null } as const;
  expect(await store.api.abandonResource("platform", platform, hub.resourceId)).toEqual({
    outcome: "referenced",
    by: Array.from({ length: 50 }, (_, at) => longName(at + 1)),
    more: 1550,
  });
  expect((await resourceRow(store, hub.resourceId)).status).toBe("PENDING");
});

test("an intent about as many as one may delete is read and replayed, and so is its decision", async () => {
  const deletions = (await createMany(250)).map(({ resourceId, name }) => remove(resourceId, name, 1));
  const plain = acceptanceOf(place, deletions);
  const definitionHashes = Object.fromEntries(
    deletions.map(({ name, resourceId }) => [`${name} ${resourceId}`, "e".repeat(64)]),
  );
  const asked = { ...plain, decision: { ...plain.decision, definitionHashes } };
  expect(await store.api.acceptIntent(asked)).toMatchObject({ outcome: "accepted" });
  expect(await store.api.acceptIntent(asked)).toMatchObject({ outcome: "replayed", response: asked.response });
  const context = await store.api.intentContext(asked.scope, { ...place, names: null, key: asked.key });
  expect(context.key?.response).toEqual(asked.response);
  expect((await store.api.intent(asked.scope, asked.intentId))?.resources).toHaveLength(250);
  expect(await store.api.decision(asked.scope, asked.decision.id)).not.toBeNull();
}, 60_000);
