import { v7 as newId } from "uuid";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DriftSight } from "../../core/store.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import { caller, eventsOf, newPlace, type Place, resourceRow } from "./fixture.ts";
import { newTarget } from "./protection.ts";

// Law F15: what looks for drift do not find is believed, or not, for a whole target and a whole run.

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newTarget(store, await newPlace(store), 1000);
});
/** A run counts all findings that are open: what a test left is not the next one's. */
afterEach(() =>
  store.as("owner").rows("update cairn.drift_findings set resolved_at = now() where resolved_at is null"),
);

const page = { limit: 100, cursor: null };
const gone = [{ pointer: "", expected: "present", actual: "absent" }];
const scope = () => ({ team: place.team });
const findings = async (where = place) => (await store.api.findings({ team: where.team }, {}, page)).items;
const report = (drift: string) => store.api.driftReport(scope(), drift);
const halt = async (where = place) =>
  (await store.api.targets({ team: where.team }, where.environment, page)).items[0]?.driftHalted;

/** So many of them, READY for an hour; in one statement, because a law about one in a hundred needs hundreds. */
async function ready(count: number, where: Place = place): Promise<string[]> {
  return store.as("owner").rows<string>(
    `with services as (
       insert into cairn.services (team_id, service) values (:team, :service) on conflict do nothing)
     insert into cairn.resources (team_id, id, service, environment, name, type, version, provider, status, generation,
       definition, definition_hash, operation_id, decision_id, drift_due_at, updated_at)
     select :team, cairn.uuid7(), :service, :environment, 'r' || nextval('cairn.event_order'), 'bucket', 1, 'aws', 'READY', 1,
       '{"kind": "AWS::S3::Bucket", "provider": "aws", "properties": {}, "outputs": {}}', 'h', cairn.uuid7(), cairn.uuid7(), now(),
       now() - interval '1 hour'
     from generate_series(1, :count) returning to_jsonb(id)`,
    { ...where, count },
  );
}

const sight = (id: string, differences: (typeof gone)[number][] = [], where: Place = place): DriftSight => ({
  team: where.team,
  id,
  generation: 1,
  seen: true,
  differences,
});

/** A scheduled run that looks at all of these and does not find some, written in batches as the machine does. */
async function look(ids: string[], missing: string[], { batch = 25, passSeconds = 60, where = place } = {}) {
  const drift = newId();
  await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
  const sights = ids.map((id) => sight(id, missing.includes(id) ? gone : [], where));
  for (let from = 0; from < sights.length; from += batch) {
    await store.drift.recordDrift(drift, sights.slice(from, from + batch));
  }
  const counts = await store.drift.closeDrift(drift, passSeconds);
  return { drift, counts };
}

describe("what a scheduled run does not find", () => {
  test("is a finding when the run ends, while it is five objects at most", async () => {
    const ids = await ready(20);
    const { drift, counts } = await look(ids, ids.slice(0, 5));
    expect(counts).toEqual({ checked: 20, unreadable: 0, findings: 5, halted: 0 });
    expect(await findings()).toMatchObject(Array(5).fill({ pointer: "", expected: "present", actual: "absent" }));
    expect(await report(drift)).toMatchObject({ findings: 5, halted: [] });
    expect(await halt()).toBeNull();
    expect(await eventsOf(store, place, ids[0] ?? "")).toEqual(["drift.detected"]);
  });

  test("is none when it is more than that: the report and the target say so, and what exists is left alone", async () => {
    const ids = await ready(20);
    const before = await Promise.all(ids.map((id) => resourceRow(store, id)));
    const { drift, counts } = await look(ids, ids.slice(0, 6));
    expect(counts).toEqual({ checked: 20, unreadable: 0, findings: 0, halted: 1 });
    expect(await findings()).toEqual([]);
    const { environment } = place;
    expect(await report(drift)).toMatchObject({
      checked: 20,
      findings: 0,
      halted: [{ environment, provider: "aws", looked: 20, missing: 6 }],
    });
    expect(await halt()).toMatchObject({ since: expect.stringMatching(/Z$/), report: drift });
    const after = await Promise.all(ids.map((id) => resourceRow(store, id)));
    const asWanted = ({ status, generation, identifier }: (typeof after)[number]) => ({
      status,
      generation,
      identifier,
    });
    expect(after.map(asWanted)).toEqual(before.map(asWanted));
    expect(await eventsOf(store, place, ids[0] ?? "")).toEqual(["drift.doubted"]);
    expect(await eventsOf(store, place, ids[6] ?? "")).toEqual([]);
  });

  test("may be one in a hundred of many", async () => {
    const ids = await ready(1000);
    expect((await look(ids, ids.slice(0, 10), { batch: 500 })).counts).toMatchObject({ findings: 10, halted: 0 });
    const others = await newTarget(store, place, 1000);
    const more = await ready(1000, others);
    expect((await look(more, more.slice(0, 11), { batch: 500, where: others })).counts).toMatchObject({ halted: 1 });
  });

  test.each([
    ["first", (ids: string[]) => [...ids.slice(0, 8), ...ids.slice(8)]],
    ["last", (ids: string[]) => [...ids.slice(8), ...ids.slice(0, 8)]],
  ])(
    "is decided of the whole run, also where its batches bring it %s",
    async (_where, inOrder) => {
      const few = await ready(60);
      expect((await look(inOrder(few), few.slice(0, 8), { batch: 4 })).counts).toMatchObject({
        halted: 1,
        findings: 0,
      });
      place = await newTarget(store, await newPlace(store), 1000);
      const many = await ready(900);
      expect((await look(inOrder(many), many.slice(0, 8), { batch: 4 })).counts).toMatchObject({
        halted: 0,
        findings: 8,
      });
    },
    60_000,
  );

  test("is counted over all runs of one pass over the target, so that few looks a run do not hide it", async () => {
    const ids = await ready(40);
    const halted: number[] = [];
    for (let from = 0; from < 40; from += 4) {
      const part = ids.slice(from, from + 4);
      halted.push((await look(part, part, { passSeconds: 3600 })).counts.halted);
    }
    expect(halted).toEqual([0, ...Array(9).fill(1)]);
    expect(await findings()).toHaveLength(4);
  });

  test("is doubted again when its target is halted within the pass, and is looked at at once", async () => {
    const ids = await ready(20);
    const [first = "", second = ""] = ids;
    await look(ids.slice(0, 4), [first], { passSeconds: 3600 });
    expect((await findings()).map(({ resource }) => resource.id)).toEqual([first]);
    const dueNow = () =>
      store
        .as("owner")
        .rows<string>(
          "select to_jsonb(id) from cairn.resources where team_id = :team and drift_due_at <= now() order by id",
          { team: place.team },
        );
    // As a claim puts off what it takes.
    const putOff = () =>
      store
        .as("owner")
        .rows("update cairn.resources set drift_due_at = now() + interval '1 hour' where team_id = :team", {
          team: place.team,
        });
    await putOff();
    expect((await look(ids.slice(1, 4), [second], { passSeconds: 3600 })).counts.halted).toBe(0);
    expect(await dueNow()).toEqual([]);
    expect((await look(ids.slice(4), ids.slice(4, 12), { passSeconds: 3600 })).counts.halted).toBe(1);
    expect(await dueNow()).toEqual([first, second, ...ids.slice(4, 12)].sort());
    await look(ids, [], { passSeconds: 3600 });
    expect(await findings()).toEqual([]);
    expect(await halt()).toBeNull();
  });

  test("is counted anew in the next pass", async () => {
    const ids = await ready(40);
    const passes: number[] = [];
    for (let from = 0; from < 12; from += 4) {
      passes.push((await look(ids, ids.slice(from, from + 4), { passSeconds: 0 })).counts.halted);
    }
    expect(passes).toEqual([0, 0, 0]);
    // Four are found again each time.
    expect(await findings()).toHaveLength(4);
  });

  test("of one target is not held against another's", async () => {
    const other = await newTarget(store, place, 1000);
    const [here, there] = [await ready(10), await ready(10, other)];
    const drift = newId();
    await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
    await store.drift.recordDrift(drift, [
      ...here.map((id) => sight(id, gone)),
      ...there.map((id, index) => sight(id, index === 0 ? gone : [])),
    ]);
    expect(await store.drift.closeDrift(drift, 60)).toMatchObject({ findings: 1, halted: 1 });
    expect((await findings()).map(({ resource }) => resource.id)).toEqual([there[0]]);
    expect(await halt()).not.toBeNull();
    expect(await halt(other)).toBeNull();
  });

  test("adds up over teams, and each reads its own numbers", async () => {
    const theirs = { ...place, team: (await newPlace(store)).team };
    const [ours, others] = [await ready(10), await ready(10, theirs)];
    const drift = newId();
    await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
    await store.drift.recordDrift(drift, [
      ...ours.map((id, index) => sight(id, index < 3 ? gone : [])),
      ...others.map((id, index) => sight(id, index < 4 ? gone : [], theirs)),
    ]);
    expect(await store.drift.closeDrift(drift, 60)).toMatchObject({ findings: 0, halted: 1 });
    const target = { environment: place.environment, provider: "aws" };
    expect((await report(drift))?.halted).toEqual([{ ...target, looked: 10, missing: 3 }]);
    expect((await store.api.driftReport({ team: theirs.team }, drift))?.halted).toEqual([
      { ...target, looked: 10, missing: 4 },
    ]);
    expect((await store.api.driftReport("platform", drift))?.halted).toEqual([{ ...target, looked: 20, missing: 7 }]);
    const uninvolved = await newPlace(store);
    expect((await store.api.driftReport({ team: uninvolved.team }, drift))?.halted).toEqual([]);
  });

  test("that is known to be gone already counts no more", async () => {
    const ids = await ready(30);
    await look(ids, ids.slice(0, 5));
    const { counts } = await look(ids, ids.slice(0, 10), { passSeconds: 0 });
    expect(counts).toMatchObject({ findings: 10, halted: 0 });
    expect((await look(ids, ids.slice(0, 10), { passSeconds: 0 })).counts).toMatchObject({ findings: 10, halted: 0 });
  });

  test("leaves what was found to differ as it was, until it is believed", async () => {
    const ids = await ready(10);
    const [first = ""] = ids;
    const drift = newId();
    await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
    await store.drift.recordDrift(drift, [sight(first, [{ pointer: "/A", expected: "1", actual: "2" }])]);
    await store.drift.closeDrift(drift, 60);
    await look(ids, ids, { passSeconds: 0 });
    expect(await findings()).toMatchObject([{ pointer: "/A" }]);
    await look(ids, [first], { passSeconds: 0 });
    expect(await findings()).toMatchObject([{ pointer: "" }]);
  });
});

describe("a target that is halted", () => {
  test("goes on by itself when looks find its objects again, which are due at once", async () => {
    const ids = await ready(20);
    await store.as("owner").rows("update cairn.resources set drift_due_at = 'infinity'");
    await look(ids, ids);
    const drift = newId();
    const due = await store.drift.claimDrift(drift, { batch: 25, intervalSeconds: 3600 });
    expect(due.map(({ id }) => id).sort()).toEqual([...ids].sort());
    await store.drift.recordDrift(
      drift,
      ids.map((id) => sight(id)),
    );
    expect(await store.drift.closeDrift(drift, 3600)).toMatchObject({ findings: 0, halted: 0 });
    expect(await halt()).toBeNull();
    expect(await eventsOf(store, place, ids[0] ?? "")).toEqual(["drift.doubted", "drift.found"]);
  });

  test("stays so, since the same time, while looks do not; a resource's timeline says it once", async () => {
    const ids = await ready(20);
    await look(ids, ids);
    const before = await halt();
    const { drift, counts } = await look(ids, ids);
    expect(counts).toMatchObject({ findings: 0, halted: 1 });
    expect(await halt()).toEqual({ since: before?.since, report: drift });
    expect(await eventsOf(store, place, ids[0] ?? "")).toEqual(["drift.doubted"]);
  });

  test("stays so when the next run looks at a part of what is there", async () => {
    const ids = await ready(20);
    await look(ids, ids);
    expect((await look(ids.slice(0, 2), ids.slice(0, 2))).counts).toMatchObject({ findings: 0, halted: 1 });
    expect((await look(ids.slice(0, 2), [])).counts).toMatchObject({ findings: 0, halted: 0 });
    expect(await halt()).not.toBeNull();
  });

  test("believes what is then still missing, if that is little", async () => {
    const ids = await ready(20);
    await look(ids, ids);
    expect((await look(ids, ids.slice(0, 3))).counts).toMatchObject({ findings: 3, halted: 0 });
    expect(await halt()).toBeNull();
  });

  test("lets a person ask about one resource, and believes what that look shows", async () => {
    const ids = await ready(6);
    await look(ids, ids);
    const [asked = ""] = ids;
    const drift = newId();
    await store.api.openVerification(scope(), caller, drift, asked);
    await store.drift.recordDrift(drift, [sight(asked, gone)]);
    expect(await store.drift.closeDrift(drift, 3600)).toEqual({ checked: 1, unreadable: 0, findings: 1, halted: 0 });
    expect(await report(drift)).toMatchObject({ halted: [], items: [{ pointer: "", resource: { id: asked } }] });
    // The other five are no longer too many.
    expect((await look(ids, ids)).counts).toMatchObject({ findings: 6, halted: 0 });
    expect(await halt()).toBeNull();
  });

  test("is forgotten when what was missing there is deleted", async () => {
    const ids = await ready(6);
    await look(ids, ids);
    await store.as("owner").rows("update cairn.resources set status = 'DELETED' where team_id = :team", {
      team: place.team,
    });
    const other = await newTarget(store, place, 1000);
    await look(await ready(1, other), [], { where: other });
    expect(await halt()).toBeNull();
  });
});

test("what was changed since it was missed is looked at anew", async () => {
  const ids = await ready(6);
  const drift = newId();
  await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
  await store.drift.recordDrift(
    drift,
    ids.map((id) => sight(id, gone)),
  );
  // One is READY again by another operation, after the look.
  await store
    .as("owner")
    .rows("update cairn.resources set updated_at = now() + interval '1 second' where id = :id::uuid", {
      id: ids[0] ?? "",
    });
  expect(await store.drift.closeDrift(drift, 60)).toMatchObject({ findings: 5, halted: 0 });
});

test("a look that failed neither finds nor misses (F14)", async () => {
  const ids = await ready(20);
  await look(ids, ids.slice(0, 6));
  const drift = newId();
  await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
  await store.drift.recordDrift(
    drift,
    ids.map((id) => ({ team: place.team, id, generation: 1, seen: false }) as const),
  );
  expect(await store.drift.closeDrift(drift, 60)).toEqual({ checked: 0, unreadable: 20, findings: 0, halted: 0 });
  expect(await findings()).toEqual([]);
  expect(await halt()).not.toBeNull();
});

test("runs that end at once, over the same target, decide the same", async () => {
  for (let round = 0; round < 4; round++) {
    place = await newTarget(store, await newPlace(store), 1000);
    const ids = await ready(24);
    const runs = [newId(), newId(), newId()];
    for (const [index, drift] of runs.entries()) {
      await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
      await store.drift.recordDrift(
        drift,
        ids.slice(index * 8, index * 8 + 8).map((id) => sight(id, gone)),
      );
    }
    const ended = await Promise.all(runs.map((drift) => store.drift.closeDrift(drift, 3600)));
    expect(ended.map(({ halted }) => halted)).toEqual([1, 1, 1]);
    expect(await findings()).toEqual([]);
  }
});

test("a run ends while another writes its looks at the same resources, and a change is accepted", async () => {
  const ids = await ready(5);
  for (let round = 0; round < 4; round++) {
    const [ending, writing] = [newId(), newId()];
    for (const drift of [ending, writing]) await store.drift.claimDrift(drift, { batch: 0, intervalSeconds: 3600 });
    await store.drift.recordDrift(
      ending,
      ids.map((id) => sight(id, gone)),
    );
    await Promise.all([
      store.drift.closeDrift(ending, 60),
      store.drift.recordDrift(
        writing,
        [...ids].reverse().map((id) => sight(id)),
      ),
    ]);
    await store.drift.closeDrift(writing, 60);
    expect(await findings()).toEqual([]);
  }
});
