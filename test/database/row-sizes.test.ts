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
