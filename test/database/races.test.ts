import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { OperationRef } from "../../core/operation.ts";
import type { Acceptance } from "../../core/store.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  acceptanceOf,
  caller,
  create,
  lease,
  makeDue,
  makeReady,
  newPlace,
  operationRows,
  type Place,
  ready,
  resourceRow,
  send,
  sweep,
  update,
} from "./fixture.ts";

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  await store.as("owner").rows("update cairn.operations set due_at = 'infinity'");
  place = await newPlace(store);
});

/** Enough that a race which can be lost is lost: each round is a new pair of sessions meeting at the same rows. */
const rounds = Array.from({ length: 6 }, (_, index) => index);

const outcomes = async (...acceptances: Acceptance[]) =>
  (await Promise.all(acceptances.map((acceptance) => store.api.acceptIntent(acceptance))))
    .map(({ outcome }) => outcome)
    .sort();

async function started(): Promise<{ id: string; ref: OperationRef }> {
  const change = create(`r${newId().slice(-8)}`);
  const [ref] = await accept(store, place, [change]);
  if (ref === undefined) throw new Error("nothing can start");
  return { id: change.resourceId, ref };
}

test("one key sent at once by several is accepted once, and the others get the winner's answer", async () => {
  for (const round of rounds) {
    const asked = () => acceptanceOf(place, [create(`db${round}`)], { key: `k${round}` });
    const results = await Promise.all([asked(), asked(), asked(), asked()].map((one) => store.api.acceptIntent(one)));
    const answers = results.flatMap((result) => (result.outcome === "replayed" ? [result.response.id] : []));
    expect(answers).toHaveLength(3);
    expect(new Set(answers).size).toBe(1);
    expect(await store.api.intent({ team: place.team }, answers[0] ?? "")).not.toBeNull();
  }
});

test("one key for different services of a team at once is accepted once", async () => {
  for (const round of rounds) {
    const of = (service: string) => acceptanceOf({ ...place, service }, [create(`db${round}`)], { key: `s${round}` });
    expect(await outcomes(of("orders"), of("billing"), of("stock"))).toEqual(["accepted", "replayed", "replayed"]);
  }
});

test("two changes of one resource at once: one is accepted, the other decides again", async () => {
  const id = await makeReady(store, place, "db");
  for (const round of rounds) {
    const change = () => acceptanceOf(place, [update(id, "db", round + 1)]);
    expect(await outcomes(change(), change())).toEqual(["accepted", "conflict"]);
  }
  expect((await operationRows(store, id)).filter(({ status }) => status === "PENDING")).toHaveLength(1);
});

test("two creates of one name at once make one resource", async () => {
  for (const round of rounds) {
    const make = () => acceptanceOf(place, [create(`db${round}`)]);
    expect(await outcomes(make(), make())).toEqual(["accepted", "conflict"]);
  }
});

test("intents of different services and teams at once are all accepted", async () => {
  const other = await newPlace(store);
  const places = ["a", "b", "c", "d"].flatMap((service) => [
    { ...place, service },
    { ...other, service },
  ]);
  expect(new Set(await outcomes(...places.map((one) => acceptanceOf(one, [create("db"), create("cache")]))))).toEqual(
    new Set(["accepted"]),
  );
});

test("intents that name the same resources in opposite orders do not deadlock", async () => {
  const [a, b] = [await makeReady(store, place, "a"), await makeReady(store, place, "b")];
  for (const round of rounds) {
    const changes = [update(a, "a", round + 1), update(b, "b", round + 1)];
    const opposite = [update(b, "b", round + 1), update(a, "a", round + 1)];
    expect(await outcomes(acceptanceOf(place, changes), acceptanceOf(place, opposite))).toEqual([
      "accepted",
      "conflict",
    ]);
  }
});

test("a change accepted while the one before ends is started exactly once", async () => {
  for (const _round of rounds) {
    const { id, ref } = await started();
    await store.worker.claim(ref, lease);
    await send(store, ref);
    const { name } = (await store.api.resource({ team: place.team }, id)) ?? { name: "" };
    const acceptance = acceptanceOf(place, [update(id, name, 1)]);
    const [accepted, ended] = await Promise.all([
      store.api.acceptIntent(acceptance),
      store.worker.advance(ref, ready()),
    ]);
    if (accepted.outcome !== "accepted" || ended.outcome !== "written") throw new Error("both must be written");
    expect([...accepted.startable, ...ended.startable]).toEqual([
      { team: place.team, operation: acceptance.changes[0]?.operationId, epoch: 1 },
    ]);
  }
});

test("an overtaken operation either asked first or never asks", async () => {
  for (const _round of rounds) {
    const { id, ref } = await started();
    await store.worker.claim(ref, lease);
    const { name } = (await store.api.resource({ team: place.team }, id)) ?? { name: "" };
    const [work, startable] = await Promise.all([
      store.worker.workToSend(ref, lease, "d".repeat(64), false),
      accept(store, place, [update(id, name, 1)]),
    ]);
    const [first] = await operationRows(store, id);
    expect(first?.status).toBe(work === null ? "SUPERSEDED" : "RUNNING");
    expect(startable).toHaveLength(work === null ? 1 : 0);
  }
});

test("two dependencies that become READY at once start what needs both", async () => {
  for (const round of rounds) {
    const [a, b] = [create(`a${round}`), create(`b${round}`)];
    const c = create(`c${round}`, [a.resourceId, b.resourceId]);
    const refs = await accept(store, place, [a, b, c]);
    for (const ref of refs) await store.worker.claim(ref, lease);
    const ended = await Promise.all(refs.map((ref) => store.worker.advance(ref, ready())));
    const startable = ended.flatMap((result) => (result.outcome === "written" ? result.startable : []));
    expect(startable.map(({ operation }) => operation)).toEqual([c.operationId]);
  }
});

test("one epoch claimed at once by several is one lease and one entry in the log", async () => {
  for (const _round of rounds) {
    const { id, ref } = await started();
    const claims = await Promise.all([1, 2, 3].map(() => store.worker.claim(ref, lease)));
    expect(claims.map(({ outcome }) => outcome)).toEqual(["claimed", "claimed", "claimed"]);
    const entries =
      "select to_jsonb(count(*)) from cairn.audit_log where resource_id = :id::uuid and event = 'operation.claimed'";
    expect(await store.as("owner").rows(entries, { id })).toEqual([1]);
  }
});

test("of two epochs claimed at once only the newer one holds", async () => {
  for (const _round of rounds) {
    const { ref } = await started();
    await makeDue(store, ref.operation);
    const [newer] = await sweep(store);
    if (newer === undefined) throw new Error("not taken over");
    const [old, fresh] = await Promise.all([store.worker.claim(ref, lease), store.worker.claim(newer, lease)]);
    expect([old.outcome, fresh.outcome]).toEqual(["lost", "claimed"]);
  }
});

test("a step and a sweep at once: either the step is written or its execution is fenced, never both", async () => {
  for (const _round of rounds) {
    const { id, ref } = await started();
    await store.worker.claim(ref, lease);
    await makeDue(store, ref.operation);
    const [step, taken] = await Promise.all([store.worker.advance(ref, ready()), sweep(store)]);
    const row = await resourceRow(store, id);
    const [operation] = await operationRows(store, id);
    if (step.outcome === "written") {
      expect(row.status).toBe("READY");
      expect(taken).toEqual([]);
    } else {
      expect(taken).toEqual([{ ...ref, epoch: 2 }]);
      expect(operation).toMatchObject({ status: "WAITING", epoch: 2 });
    }
  }
});

test("a look that misses what was made and a sweep at once: the note is the holder's, or there is none", async () => {
  for (const round of rounds) {
    const name = `missed${round}`;
    const id = await makeReady(store, place, name);
    const [ref] = await accept(store, place, [update(id, name, 1)]);
    if (ref === undefined) throw new Error("nothing can start");
    await store.worker.claim(ref, lease);
    await makeDue(store, ref.operation);
    const [noted, taken] = await Promise.all([store.worker.absent(ref), sweep(store)]);
    expect(taken).toEqual([{ ...ref, epoch: 2 }]);
    const isNoted = await store
      .as("owner")
      .rows("select to_jsonb(absent_since is not null) from cairn.operations where id = :id::uuid", {
        id: ref.operation,
      });
    expect(isNoted).toEqual([noted !== null]);
    expect(await store.worker.absent(ref)).toBeNull();
  }
});

test("sweeps at once take each operation once", async () => {
  const services = ["a", "b", "c", "d"].map((service) => ({ ...place, service }));
  for (const one of services) await accept(store, one, [create("x"), create("y"), create("z")]);
  await store
    .as("owner")
    .rows("update cairn.operations set due_at = now() - interval '1 second' where team_id = :team", {
      team: place.team,
    });
  const taken: OperationRef[] = [];
  // A sweep passes over a service that another one is busy with: the next period takes the rest.
  for (let period = 0; period < 4; period++)
    taken.push(...(await Promise.all([sweep(store), sweep(store), sweep(store)])).flat());
  expect(taken).toHaveLength(12);
  expect(new Set(taken.map(({ operation }) => operation)).size).toBe(12);
  expect(taken.every(({ epoch }) => epoch === 2)).toBe(true);
});

test("a drift look written while a change is accepted finds nothing about the new generation", async () => {
  for (const round of rounds) {
    const id = await makeReady(store, place, `db${round}`);
    const seen = {
      team: place.team,
      id,
      generation: 1,
      seen: true as const,
      differences: [{ pointer: "/A", expected: 1, actual: 2 }],
    };
    const drift = newId();
    await Promise.all([store.drift.recordDrift(drift, [seen]), accept(store, place, [update(id, `db${round}`, 1)])]);
    const log = await store
      .as("owner")
      .rows<string>(
        "select to_jsonb(event) from cairn.audit_log where resource_id = :id::uuid and event in ('resource.update', 'drift.detected') order by id",
        { id },
      );
    const found = (await store.api.findings({ team: place.team }, { resource: id }, { limit: 9, cursor: null })).items;
    expect(found).toHaveLength(log.includes("drift.detected") ? 1 : 0);
    expect(log).toContain("resource.update");
  }
});

test("drift looks and sweeps over the same resources in opposite orders both end", async () => {
  const ids: string[] = [];
  for (const name of ["a", "b", "c", "d"]) ids.push(await makeReady(store, place, name));
  const sights = [...ids].reverse().map((id) => ({
    team: place.team,
    id,
    generation: 1,
    seen: true as const,
    differences: [{ pointer: "/A", expected: 1, actual: 2 }],
  }));
  for (const _round of rounds) {
    await Promise.all([
      store.drift.recordDrift(newId(), sights),
      store.drift.recordDrift(newId(), [...sights].reverse()),
      sweep(store),
    ]);
  }
  expect((await store.api.findings({ team: place.team }, {}, { limit: 9, cursor: null })).items).toHaveLength(4);
});

test("batches of one run claimed at once hold each resource once", async () => {
  for (const name of ["a", "b", "c", "d", "e"]) await makeReady(store, place, name);
  await store
    .as("owner")
    .rows("update cairn.resources set drift_due_at = 'infinity' where team_id <> :team", { team: place.team });
  const run = newId();
  const claim = () => store.drift.claimDrift(run, { batch: 2, intervalSeconds: 3600 });
  const claimed = (await Promise.all([claim(), claim(), claim()])).flat();
  expect(new Set(claimed.map(({ id }) => id)).size).toBe(5);
  expect(claimed).toHaveLength(5);
});

test("runs that begin at once end one lost run each, also while the execution of one comes back", async () => {
  const owner = store.as("owner");
  for (const _ of rounds) {
    await owner.rows("update cairn.drift_runs set status = 'DONE' where status = 'RUNNING'");
    const [back, ...lost] = [newId(), newId(), newId()];
    const claim = (run: string) => store.drift.claimDrift(run, { batch: 0, intervalSeconds: 3600 });
    for (const run of [back, ...lost]) await claim(run);
    await owner.rows("update cairn.drift_runs set claimed_at = now() - interval '11 minutes' where status = 'RUNNING'");
    await Promise.all([claim(newId()), claim(back), claim(newId()), claim(newId())]);
    const ended = await owner.rows<string>("select to_jsonb(id) from cairn.drift_runs where status = 'DONE'");
    expect(ended).toEqual(expect.arrayContaining(lost));
  }
});

test("a team, service or environment put at once is created once, and the last word stands", async () => {
  for (const round of rounds) {
    const name = `t-${newId().slice(-12)}`;
    const teams = await Promise.all(
      ["one", "two", "three"].map((one) => store.api.putTeam("platform", caller, name, { name: one, contact: null })),
    );
    expect(teams.filter(({ created }) => created)).toHaveLength(1);
    const put = (description: string) => store.api.putService({ team: name }, caller, name, "orders", { description });
    expect((await Promise.all([put("one"), put("two")])).filter((one) => one?.created)).toHaveLength(1);
    const environments = await Promise.all(
      [1, 2].map(() => store.api.putEnvironment("platform", caller, `e${round}`, { tier: "staging" })),
    );
    expect(environments.filter((one) => one !== "tier-in-use" && one.created)).toHaveLength(1);
  }
});
