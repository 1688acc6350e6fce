import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { DriftSight } from "../../core/store.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import { accept, caller, create, eventsOf, makeReady, newPlace, type Place, remove, run, update } from "./fixture.ts";

let store: TestStore;
let place: Place;
let id: string;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  await store.as("owner").rows("update cairn.resources set drift_due_at = 'infinity'");
  place = await newPlace(store);
  id = await makeReady(store, place, "db");
});

const page = { limit: 100, cursor: null };
const difference = (pointer: string, actual: number) => ({ pointer, expected: 1, actual });
const sight = (differences: ReturnType<typeof difference>[], generation = 1): DriftSight => ({
  team: place.team,
  id,
  generation,
  seen: true,
  differences,
});
const claim = (drift: string, batch = 25) => store.drift.claimDrift(drift, { batch, intervalSeconds: 3600 });
const close = (drift: string) => store.drift.closeDrift(drift, 3600);
const open = async () => (await store.api.findings({ team: place.team }, {}, page)).items;
const report = (drift: string) => store.api.driftReport({ team: place.team }, drift);

async function verification(): Promise<string> {
  const drift = newId();
  expect(await store.api.openVerification({ team: place.team }, caller, drift, id)).toBe("opened");
  return drift;
}

test("a run takes what is due in batches, each resource once, until none is left", async () => {
  const more = [await makeReady(store, place, "b"), await makeReady(store, place, "c")];
  const drift = newId();
  const first = await claim(drift, 2);
  const second = await claim(drift, 2);
  expect(first).toHaveLength(2);
  expect([...first, ...second].map((target) => target.id).sort()).toEqual([id, ...more].sort());
  expect(await claim(drift, 2)).toEqual([]);
});

test("what is not READY is not looked at", async () => {
  await accept(store, place, [update(id, "db", 1)]);
  expect(await claim(newId())).toEqual([]);
  expect(await store.drift.driftWork([{ team: place.team, id }])).toEqual([]);
});

test("the work holds all that a provider needs, and one that is gone leaves the others", async () => {
  const dependent = await makeReady(store, place, "url", [id]);
  const gone = { team: place.team, id: newId() };
  const work = await store.drift.driftWork([{ team: place.team, id }, gone, { team: place.team, id: dependent }]);
  expect(work.sort((one, other) => one.name.localeCompare(other.name))).toMatchObject([
    { id, generation: 1, name: "db", identifier: "x", sentHash: "d".repeat(64), dependencies: {} },
    { id: dependent, name: "url", dependencies: { db: { name: "db" } } },
  ]);
});

test("a difference is a finding with expected and actual, in the run's report and in the timeline", async () => {
  const drift = newId();
  await claim(drift);
  await store.drift.recordDrift(drift, [sight([difference("/A", 2), difference("/B", 3)])]);
  expect(await close(drift)).toMatchObject({ checked: 1, unreadable: 0 });
  const found = await open();
  expect(found).toMatchObject([
    { pointer: "/A", expected: 1, actual: 2, resolvedAt: null, resource: { id, ...place, name: "db", type: "bucket" } },
    { pointer: "/B", expected: 1, actual: 3 },
  ]);
  expect(await report(drift)).toMatchObject({
    id: drift,
    status: "DONE",
    resourceId: null,
    checked: 1,
    findings: 2,
    items: found,
  });
  const events = (await store.api.resourceEvents({ team: place.team }, id, page))?.items;
  expect(events?.at(-1)).toMatchObject({
    event: "drift.detected",
    message: "It was changed behind Cairn's back: /A, /B.",
  });
});

test("what is as wanted again is resolved, what stays keeps its id and shows the newest value", async () => {
  const [first, second] = [newId(), newId()];
  await claim(first);
  await store.drift.recordDrift(first, [sight([difference("/A", 2), difference("/B", 3)])]);
  await close(first);
  const before = await open();
  await claim(second);
  await store.drift.recordDrift(second, [sight([difference("/B", 4)])]);
  await close(second);
  expect(await open()).toEqual([{ ...before[1], actual: 4 }]);
  const resolved = (await store.api.findings({ team: place.team }, { resolved: true, resource: id }, page)).items;
  expect(resolved).toMatchObject([{ pointer: "/A" }]);
  expect(resolved[0]?.resolvedAt).toMatch(/\.\d{6}Z$/);
  // An old report goes on saying what stood at its end.
  expect(await report(first)).toMatchObject({ findings: 2, items: [{ pointer: "/A" }, { pointer: "/B" }] });
  expect(await report(second)).toMatchObject({ findings: 1, items: [{ pointer: "/B" }] });
  expect((await eventsOf(store, place, id)).slice(-2)).toEqual(["drift.detected", "drift.resolved"]);
});

test("a look that failed is counted and changes no finding", async () => {
  await store.drift.recordDrift(newId(), [sight([difference("/A", 2)])]);
  const drift = newId();
  await claim(drift);
  await store.drift.recordDrift(drift, [{ team: place.team, id, generation: 1, seen: false }]);
  expect(await close(drift)).toMatchObject({ checked: 0, unreadable: 1 });
  expect(await open()).toHaveLength(1);
});

test("the same batch written twice counts, finds and tells once", async () => {
  const drift = newId();
  await claim(drift);
  await store.drift.recordDrift(drift, [sight([difference("/A", 2)])]);
  const before = [await open(), await eventsOf(store, place, id)];
  await store.drift.recordDrift(drift, [sight([difference("/A", 2)])]);
  expect([await open(), await eventsOf(store, place, id)]).toEqual(before);
  expect(await close(drift)).toMatchObject({ checked: 1 });
  const closed = await report(drift);
  await close(drift);
  expect(await report(drift)).toEqual(closed);
});

test.each([
  ["an older generation", () => sight([difference("/A", 2)], 0)],
  ["a resource that does not exist", () => ({ ...sight([difference("/A", 2)]), id: newId() })],
])("a sight of %s writes nothing, and the others of its batch are written", async (_reason, stale) => {
  const other = await makeReady(store, place, "other");
  const drift = newId();
  await claim(drift);
  await store.drift.recordDrift(drift, [stale(), { ...sight([difference("/B", 2)]), id: other }]);
  expect((await open()).map(({ pointer }) => pointer)).toEqual(["/B"]);
  expect(await close(drift)).toMatchObject({ checked: 1 });
});

test("a sight with a doubled pointer or an absent value is written all the same", async () => {
  const odd = { pointer: "/A", expected: 1 } as ReturnType<typeof difference>;
  await store.drift.recordDrift(newId(), [sight([odd, difference("/A", 5), difference("/B", 2)])]);
  expect(await open()).toMatchObject([
    { pointer: "/A", expected: 1, actual: null },
    { pointer: "/B", actual: 2 },
  ]);
});

test("a deletion resolves what stood open", async () => {
  await store.drift.recordDrift(newId(), [sight([difference("/A", 2)])]);
  const [ref] = await accept(store, place, [remove(id, "db", 1)]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, { to: "deleted" });
  expect(await open()).toEqual([]);
});

test("a verification looks at its one resource, once, whenever it was last looked at", async () => {
  const drift = await verification();
  expect(await claim(drift)).toEqual([{ team: place.team, id }]);
  await store.drift.recordDrift(drift, [sight([difference("/A", 2)])]);
  expect(await claim(drift)).toEqual([]);
  expect(await close(drift)).toEqual({ checked: 1, unreadable: 0, findings: 1, halted: 0 });
  expect(await report(drift)).toMatchObject({ resourceId: id, status: "DONE", items: [{ pointer: "/A" }] });
  expect(await claim(drift)).toEqual([]);
});

test("a verification counts the findings of its resource alone", async () => {
  const other = await makeReady(store, place, "other");
  await store.drift.recordDrift(newId(), [{ ...sight([difference("/B", 2)]), id: other }]);
  const drift = await verification();
  await store.drift.recordDrift(drift, [sight([])]);
  expect(await close(drift)).toEqual({ checked: 1, unreadable: 0, findings: 0, halted: 0 });
  expect(await report(drift)).toMatchObject({ findings: 0, items: [] });
});

test("a verification ends when its resource has stopped being READY", async () => {
  const drift = await verification();
  await accept(store, place, [update(id, "db", 1)]);
  expect(await claim(drift)).toEqual([]);
});

test("a verification that is taken back has ended, showed nothing, and is looked at by nobody", async () => {
  const drift = await verification();
  const other = await newPlace(store);
  await store.api.withdrawVerification({ team: other.team }, drift);
  expect(await report(drift)).toMatchObject({ status: "RUNNING" });
  await store.api.withdrawVerification({ team: place.team }, drift);
  const ended = { status: "DONE", checked: 0, unreadable: 1, finishedAt: expect.any(String) };
  expect(await report(drift)).toMatchObject(ended);
  expect(await claim(drift)).toEqual([]);
  await store.api.withdrawVerification({ team: place.team }, drift);
  expect(await report(drift)).toMatchObject(ended);
});

test("what a team may take back is a look that was asked for, not a run over everything", async () => {
  const everything = newId();
  await claim(everything);
  await store.drift.recordDrift(everything, [sight([])]);
  await store.api.withdrawVerification({ team: place.team }, everything);
  expect(await report(everything)).toMatchObject({ status: "RUNNING", checked: 1, unreadable: 0 });
});

test("a verification is refused for what is not READY or not there", async () => {
  const pending = create("pending");
  await accept(store, place, [pending]);
  expect(await store.api.openVerification({ team: place.team }, caller, newId(), pending.resourceId)).toBe("not-ready");
  expect(await store.api.openVerification("platform", caller, newId(), newId())).toBe("not-found");
});

test("a report of more findings than a row of an answer holds is still read", async () => {
  const differences = Array.from({ length: 100 }, (_, index) => ({
    ...difference(`/P${index}`, 2),
    expected: "x".repeat(2000),
  }));
  const drift = newId();
  await claim(drift);
  await store.drift.recordDrift(drift, [sight(differences as unknown as ReturnType<typeof difference>[])]);
  await close(drift);
  expect((await report(drift))?.items).toHaveLength(100);
});

test("findings are filtered by what their resource is", async () => {
  await store.drift.recordDrift(newId(), [sight([difference("/A", 2)])]);
  for (const filter of [
    { service: "orders" },
    { environment: "staging" },
    { type: "bucket" },
    { status: "READY" as const },
    { resource: id },
  ]) {
    expect((await store.api.findings({ team: place.team }, filter, page)).items, JSON.stringify(filter)).toHaveLength(
      1,
    );
  }
  for (const filter of [
    { service: "other" },
    { environment: "production" },
    { type: "redis" },
    { status: "FAILED" as const },
    { resource: newId() },
  ]) {
    expect((await store.api.findings({ team: place.team }, filter, page)).items, JSON.stringify(filter)).toEqual([]);
  }
});

test("a run that lost its execution is ended by the next one, with what it has seen", async () => {
  const [scheduled, asked, working] = [newId(), await verification(), newId()];
  await claim(scheduled);
  await store.drift.recordDrift(scheduled, [sight([difference("/A", 2)])]);
  await claim(working);
  await store
    .as("owner")
    .rows(
      "update cairn.drift_runs set claimed_at = now() - interval '11 minutes' where id in (:one::uuid, :other::uuid) returning '1'::jsonb",
      { one: scheduled, other: asked },
    );
  await claim(scheduled, 0);
  await claim(newId());
  expect(await report(scheduled)).toMatchObject({ status: "RUNNING" });
  expect(await report(asked)).toMatchObject({ status: "DONE", checked: 0, unreadable: 1 });

  await store
    .as("owner")
    .rows(
      "update cairn.drift_runs set claimed_at = now() - interval '11 minutes' where id = :one::uuid returning '1'::jsonb",
      { one: scheduled },
    );
  await claim(newId());
  expect(await report(scheduled)).toMatchObject({ status: "DONE", checked: 1, findings: 1 });
  expect(await report(working)).toMatchObject({ status: "RUNNING" });
  expect(await claim(scheduled)).toEqual([]);
});
