import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Gauges, readGauges } from "../../database/gauges.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import { accept, create, failed, lease, makeReady, newPlace, type Place, run } from "./fixture.ts";

const sweepSeconds = 60;
const calm: Gauges = {
  failedResources: 0,
  stuckResources: 0,
  oldestPendingSeconds: 0,
  openBreakers: 0,
  oldestDriftSeconds: 0,
};

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
  place = await newPlace(store);
});
afterAll(() => store?.close());
/** The gauges are of the whole store: what a test left is not the next one's. */
afterEach(async () => {
  for (const statement of [
    "update cairn.operations set status = 'SUPERSEDED', finished_at = now(), gate = null where finished_at is null",
    "update cairn.resources set status = 'DELETED', deleting = true",
    "update cairn.drift_findings set resolved_at = now()",
    "update cairn.breakers set state = 'CLOSED'",
  ])
    await owner(statement);
});

const gauges = () => readGauges(store.as("worker"), sweepSeconds);
const owner = (sql: string, parameters: { [name: string]: string } = {}) => store.as("owner").rows(sql, parameters);

async function opened(name: string) {
  const change = create(name);
  const [ref] = await accept(store, place, [change]);
  if (ref === undefined) throw new Error("nothing can start");
  return { id: change.resourceId, ref };
}

test("a store in which all is well shows zeros", async () => {
  expect(await gauges()).toEqual(calm);
  await makeReady(store, place, "well");
  expect(await gauges()).toEqual(calm);
});

test("what has failed is counted until it is tried again", async () => {
  const { id, ref } = await opened("failing");
  await run(store, ref, failed());
  expect(await gauges()).toMatchObject({ failedResources: 1, oldestPendingSeconds: 0 });
  await store.api.retryResource({ team: place.team }, { subject: "dana", role: "developer", team: place.team }, id);
  expect(await gauges()).toMatchObject({ failedResources: 0 });
});

test("an operation that no sweep took over for two periods is stuck, one that waits at a gate is not", async () => {
  const { ref } = await opened("late");
  const due = (ago: string) =>
    owner("update cairn.operations set due_at = now() - cast(:ago as interval) where id = :id::uuid", {
      ago,
      id: ref.operation,
    });
  await due("119 seconds");
  expect(await gauges()).toMatchObject({ stuckResources: 0 });
  await due("121 seconds");
  expect(await gauges()).toMatchObject({ stuckResources: 1 });
  await owner("update cairn.operations set status = 'WAITING', gate = 'BREAKER' where id = :id::uuid", {
    id: ref.operation,
  });
  expect(await gauges()).toMatchObject({ stuckResources: 0 });
});

test("a resource on its way that no operation is open for is stuck", async () => {
  const { id, ref } = await opened("orphaned");
  await owner("update cairn.operations set status = 'SUCCEEDED' where id = :id::uuid", { id: ref.operation });
  expect(await gauges()).toMatchObject({ stuckResources: 0 });
  await owner("update cairn.resources set updated_at = now() - interval '3 minutes' where id = :id::uuid", { id });
  expect(await gauges()).toMatchObject({ stuckResources: 1 });
});

test("what is worked on for hours is pending, and not stuck", async () => {
  const { id, ref } = await opened("slow");
  await store.worker.claim(ref, lease);
  await owner("update cairn.operations set opened_at = now() - interval '2 hours' where id = :id::uuid", {
    id: ref.operation,
  });
  await owner("update cairn.resources set updated_at = now() - interval '2 hours' where id = :id::uuid", { id });
  expect(await gauges()).toMatchObject({ stuckResources: 0, oldestPendingSeconds: 7200 });
});

test("an operation that is tried again is as old as that", async () => {
  const { id, ref } = await opened("retried");
  await run(store, ref, failed());
  await owner("update cairn.operations set opened_at = now() - interval '90 days' where id = :id::uuid", {
    id: ref.operation,
  });
  expect(await gauges()).toMatchObject({ oldestPendingSeconds: 0 });
  await store.api.retryResource({ team: place.team }, { subject: "dana", role: "developer", team: place.team }, id);
  const { oldestPendingSeconds } = await gauges();
  expect(oldestPendingSeconds).toBeLessThan(60);
});

test("breakers that are open or half open are counted", async () => {
  await owner(
    `insert into cairn.breakers (environment, provider, service, state) values
       ('staging', 'aws', 'AWS::S3', 'OPEN'), ('staging', 'aws', 'AWS::SQS', 'HALF_OPEN'), ('staging', 'aws', 'AWS::MSK', 'CLOSED')`,
  );
  expect(await gauges()).toMatchObject({ openBreakers: 2 });
});

test("drift is as old as the finding that has stood longest", async () => {
  const id = await makeReady(store, place, "drifted");
  for (const [pointer, ago] of [
    ["/Old", "1 hour"],
    ["/New", "1 minute"],
  ] as const)
    await owner(
      `insert into cairn.drift_findings (team_id, id, resource_id, pointer, expected, actual, run_id, detected_at)
       values (:team, cairn.uuid7(), :id::uuid, :pointer, '1', '2', cairn.uuid7(), now() - cast(:ago as interval))`,
      { team: place.team, id, pointer, ago },
    );
  expect(await gauges()).toMatchObject({ oldestDriftSeconds: 3600 });
});
