import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { OperationRef } from "../../core/operation.ts";
import type { DriftSight } from "../../core/store.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  caller,
  eventsOf,
  lease,
  newPlace,
  operationRows,
  type Place,
  ready,
  remove,
  resourceRow,
  send,
  sweep,
  written,
} from "./fixture.ts";
import { accepted, claim, names, newTarget, pass, reserved, tokensOf } from "./protection.ts";

let store: TestStore;
let place: Place;
beforeAll(async () => {
  // How much a budget has filled must not depend on how busy the machine is that runs this.
  store = await createTestStore({ clock: "stands" });
});
afterAll(() => store?.close());
/** Two operations' calls go through at once, and one a second after that. */
const rate = 5;
beforeEach(async () => {
  place = await newTarget(store, await newPlace(store), rate);
});

const outcomes = async (of: { ref: OperationRef }[]) => {
  const seen: string[] = [];
  for (const each of of) seen.push(await claim(store, each));
  return seen;
};
const here = async () => {
  const mine = new Set((await waiting()).map(({ id }) => id));
  const refs = await sweep(store);
  return refs.filter(({ operation }) => mine.has(operation));
};
const waiting = () =>
  store
    .as("owner")
    .rows<{ id: string; team: string }>(
      "select jsonb_build_object('id', id, 'team', team_id) from cairn.operations where gate is not null and environment = :environment",
      { environment: place.environment },
    );

describe("the rate budget of a target", () => {
  test("lets two seconds of its rate through at once, and makes the rest wait as rows, in one round trip each", async () => {
    const all = await accepted(store, place, names(3));
    store.counted.statements = 0;
    expect(await outcomes(all)).toEqual(["claimed", "claimed", "waiting"]);
    expect(store.counted.statements).toBe(3);

    const held = all[2]?.id ?? "";
    const resource = await resourceRow(store, held);
    expect(resource).toMatchObject({ status: "PENDING", reason: { code: "PROVIDER_THROTTLED" } });
    expect(Date.parse(resource.reason?.retryAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
    expect(await operationRows(store, held)).toMatchObject([
      { status: "WAITING", gate: "BUDGET", epoch: 2, attempt: 1, waits: 0, token_used_at: null },
    ]);
    expect(await eventsOf(store, place, held)).toEqual(["resource.create", "operation.held"]);
  });

  test("is asked once: a claim that is delivered again neither waits nor pays again", async () => {
    const [first, second, third] = await accepted(store, place, names(3));
    if (!first || !second || !third) throw new Error("three were accepted");
    await outcomes([first, first, first]);
    expect(await tokensOf(store, place)).toBeCloseTo(2 * rate - reserved, 0);
    await outcomes([second, third]);
    expect(await outcomes([third])).toEqual(["lost"]);
    expect(await eventsOf(store, place, third.id)).toEqual(["resource.create", "operation.held"]);
  });

  test("fills with time: the sweep lets through what it then has, whose claim takes nothing more", async () => {
    const all = await accepted(store, place, names(4));
    await outcomes(all);
    expect(await here()).toEqual([]);
    await pass(store, place, 1);
    const [ref, ...others] = await here();
    expect(others).toEqual([]);
    if (ref === undefined) throw new Error("nothing was let through");
    const before = await tokensOf(store, place);
    expect(await claim(store, { ref })).toBe("claimed");
    expect(await tokensOf(store, place)).toBeCloseTo(before, 3);
    expect(await eventsOf(store, place, all[2]?.id ?? "")).toEqual([
      "resource.create",
      "operation.held",
      "operation.resumed",
      "operation.claimed",
    ]);
    await pass(store, place, 1);
    expect(await here()).toHaveLength(1);
    expect(await here()).toEqual([]);
  });

  test("leaves another target's pace alone", async () => {
    await outcomes(await accepted(store, place, names(4)));
    const other = await newTarget(store, place, rate);
    expect(await outcomes(await accepted(store, other, ["a", "b"]))).toEqual(["claimed", "claimed"]);
  });

  test("charges what an operation asks beyond its calls, and no more than it asks", async () => {
    const [one] = await accepted(store, place, ["a"]);
    if (one === undefined) throw new Error("one was accepted");
    await claim(store, one);
    await store.worker.work(one.ref, lease);
    await send(store, one.ref);
    await store.worker.work(one.ref, lease);
    const before = await tokensOf(store, place);
    expect(before).toBeCloseTo(2 * rate - reserved, 0);
    await store.worker.work(one.ref, lease);
    await store.worker.work(one.ref, lease);
    expect(await tokensOf(store, place)).toBeCloseTo(before - 4, 3);
    written(await store.worker.advance(one.ref, ready()));
  });

  test("charges a look through a long list with what is written anyway, into a debt of four seconds at most", async () => {
    const [one] = await accepted(store, place, ["a"]);
    if (one === undefined) throw new Error("one was accepted");
    await claim(store, one);
    await store.worker.work(one.ref, lease);
    const before = await tokensOf(store, place);
    const statements = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
      store.counted.statements = 0;
      return [await work(), store.counted.statements];
    };
    const [, sending] = await statements(() => store.worker.workToSend(one.ref, lease, "d".repeat(64), false, 7));
    expect(await tokensOf(store, place), "two of the eight were reserved").toBeCloseTo(before - 5, 3);
    const [answered, writing] = await statements(() =>
      store.worker.advance(one.ref, { to: "answered" }, { answer: "answered", beyond: 6 }),
    );
    written(answered);
    expect(await tokensOf(store, place)).toBeCloseTo(before - 11, 3);
    written(await store.worker.advance(one.ref, ready(), { answer: "answered", beyond: 1000 }));
    expect(await tokensOf(store, place)).toBe(-4 * rate);
    expect([sending, writing], "no round trip more").toEqual([1, 1]);
    expect(await outcomes(await accepted(store, place, ["b"]))).toEqual(["waiting"]);
  });

  test("lets nobody's charge make a deep debt smaller", async () => {
    const slow = await newTarget(store, place, 0.3);
    const [one] = await accepted(store, slow, ["a"]);
    if (one === undefined) throw new Error("one was accepted");
    await claim(store, one);
    await store.as("owner").rows("update cairn.target_budgets set tokens = -2.5 where environment = :environment", {
      environment: slow.environment,
    });
    for (let look = 0; look < 4; look++) await store.worker.work(one.ref, lease);
    expect(await tokensOf(store, slow)).toBe(-2.5);
  });

  test("makes a deletion wait too, which stays a deletion", async () => {
    const [one, two] = await accepted(store, place, ["a", "b"]);
    if (!one || !two) throw new Error("two were accepted");
    await outcomes([one, two]);
    written(await store.worker.advance(one.ref, ready()));
    const [ref] = await accept(store, place, [remove(one.id, "a", 1)]);
    if (ref === undefined) throw new Error("nothing can start");
    expect(await claim(store, { ref })).toBe("waiting");
    expect(await resourceRow(store, one.id)).toMatchObject({
      status: "DELETING",
      reason: { code: "PROVIDER_THROTTLED" },
    });
  });

  test("without a target asks nobody", async () => {
    await store.as("owner").rows("delete from cairn.targets where environment = :environment", {
      environment: place.environment,
    });
    expect(await outcomes(await accepted(store, place, names(5)))).toEqual(Array(5).fill("claimed"));
  });

  test("is 25 calls a second where the platform team names no rate", async () => {
    await store.as("owner").rows(`update cairn.targets set config = '{}' where environment = :environment`, {
      environment: place.environment,
    });
    const { items } = await store.api.targets("platform", place.environment, { limit: 1, cursor: null });
    expect(items[0]?.budget).toEqual({ requestsPerSecond: 25, burst: 50, available: 50 });
    expect(await outcomes(await accepted(store, place, names(11)))).toEqual([...Array(10).fill("claimed"), "waiting"]);
  });

  test("gives as much as it has to claims that come at once, never more", async () => {
    const all = await accepted(store, place, names(12));
    const seen = await Promise.all(all.map((each) => claim(store, each)));
    expect(seen.filter((outcome) => outcome === "claimed")).toHaveLength(2);
    expect(seen.filter((outcome) => outcome === "waiting")).toHaveLength(10);
  });

  test("lets each operation through once, however many sweep at once", async () => {
    await outcomes(await accepted(store, place, names(8)));
    await pass(store, place, 2);
    const swept = (await Promise.all([here(), here(), here()])).flat().map(({ operation }) => operation);
    expect(swept).toHaveLength(2);
    expect(new Set(swept).size).toBe(2);
  });
});

describe("fairness", () => {
  test("one team's many do not make another's one wait", async () => {
    await outcomes(await accepted(store, place, names(30)));
    const other = { ...place, team: (await newPlace(store)).team };
    expect(await outcomes(await accepted(store, other, ["only"]))).toEqual(["claimed"]);
  });

  test("ten thousand of one team that wait neither make another's one wait, nor its next twelve for more than their share", async () => {
    const [one] = await accepted(store, place, ["first"]);
    if (one === undefined) throw new Error("one was accepted");
    await claim(store, one);
    await store.as("owner").rows(
      `insert into cairn.operations (team_id, id, resource_id, generation, kind, status, due_at, definition, decided_hash,
         decision_id, token, gate, environment, provider, service)
       select o.team_id, cairn.uuid7(), o.resource_id, 1 + n, 'apply', 'WAITING', now() - interval '1 hour', o.definition,
         o.decided_hash, o.decision_id, o.token || n, 'BUDGET', :environment, 'aws', 'AWS::S3'
       from cairn.operations o, generate_series(1, 10000) n where o.id = :operation::uuid`,
      { environment: place.environment, operation: one.ref.operation },
    );
    await store
      .as("owner")
      .rows("update cairn.budget_shares set waits = true, tokens = 0 where environment = :environment", {
        environment: place.environment,
      });
    await store.as("owner").rows("update cairn.target_budgets set tokens = 0 where environment = :environment", {
      environment: place.environment,
    });

    const other = { ...place, team: (await newPlace(store)).team };
    expect(await outcomes(await accepted(store, other, ["only"]))).toEqual(["claimed"]);
    await outcomes(await accepted(store, other, names(12)));
    const got = { [place.team]: 0, [other.team]: 0 };
    let seconds = 0;
    for (; (got[other.team] ?? 0) < 12 && seconds < 60; seconds++) {
      await pass(store, place, 1);
      for (const { team } of await sweep(store)) got[team] = (got[team] ?? 0) + 1;
    }
    // One operation a second, in turns: twelve take twenty-four, and the second that the first was let into as a debt.
    expect(seconds).toBeLessThanOrEqual(26);
    expect(got[place.team]).toBeGreaterThanOrEqual(10);
    await store.as("owner").rows("delete from cairn.operations where environment = :environment and gate is not null", {
      environment: place.environment,
    });
  });

  test("teams that both have many get as much each, and what one leaves is the other's", async () => {
    const other = { ...place, team: (await newPlace(store)).team };
    await outcomes(await accepted(store, place, names(30, "a")));
    await outcomes(await accepted(store, other, names(10, "b")));
    const got = { [place.team]: 0, [other.team]: 0 };
    for (let second = 0; second < 24; second++) {
      await pass(store, place, 1);
      for (const { team } of await here()) got[team] = (got[team] ?? 0) + 1;
      if (second === 13) {
        // The debt that the newcomer was let into is paid; since then one operation a second, in turns.
        expect(Math.abs((got[place.team] ?? 0) - (got[other.team] ?? 0))).toBeLessThanOrEqual(2);
      }
    }
    // All of the smaller one's are through, and nothing was left idle: a debt of one operation, then one a second.
    expect(got[other.team]).toBeGreaterThanOrEqual(8);
    expect((got[place.team] ?? 0) + (got[other.team] ?? 0)).toBeGreaterThanOrEqual(22);
  });
});

describe("a look for drift", () => {
  const due = async () => {
    // Other tests' resources are due for ever after.
    await store.as("owner").rows(
      `update cairn.resources
       set drift_due_at = case when environment = :environment then now() - interval '1 second' else 'infinity' end`,
      { environment: place.environment },
    );
    return (await store.drift.claimDrift(newId(), { batch: 25, intervalSeconds: 600 })).length;
  };

  test("takes calls while the budget is more than half full, and nothing when operations wait", async () => {
    const [one, ...others] = await accepted(store, place, names(4));
    if (one === undefined) throw new Error("four were accepted");
    await claim(store, one);
    written(await store.worker.advance(one.ref, ready()));
    expect(await due()).toBe(0);
    await pass(store, place, 60);
    expect(await due()).toBe(1);
    expect(await tokensOf(store, place)).toBeCloseTo(2 * rate - 2, 0);

    await outcomes(others);
    await pass(store, place, 60);
    expect(await due()).toBe(0);
  });

  test("is charged for the long lists that it had to go through, in the statement that writes it", async () => {
    const [one] = await accepted(store, place, ["a"]);
    if (one === undefined) throw new Error("one was accepted");
    await claim(store, one);
    written(await store.worker.advance(one.ref, ready()));
    const before = await tokensOf(store, place);
    const sight: DriftSight = { team: place.team, id: one.id, generation: 1, seen: true, differences: [], beyond: 3 };
    await store.drift.recordDrift(newId(), [sight, { ...sight, id: newId() }]);
    expect(await tokensOf(store, place)).toBeCloseTo(before - 3, 3);
  });

  test("that somebody asked for does not wait", async () => {
    const all = await accepted(store, place, names(3));
    await outcomes(all);
    const [one] = all;
    if (one === undefined) throw new Error("three were accepted");
    written(await store.worker.advance(one.ref, ready()));
    const run = newId();
    await store.api.openVerification({ team: place.team }, caller, run, one.id);
    expect(await store.drift.claimDrift(run, { batch: 25, intervalSeconds: 600 })).toHaveLength(1);
    expect(await tokensOf(store, place)).toBeLessThan(0.5);
  });

  test("that one team asks for are a part of the target's calls, however many it asks for at once", async () => {
    const ask = async ({ team }: Place, id: string) => store.api.openVerification({ team }, caller, newId(), id);
    const readyIn = async (home: Place) => {
      const [made] = await accepted(store, home, ["a"]);
      if (made === undefined) throw new Error("one was accepted");
      await claim(store, made);
      written(await store.worker.advance(made.ref, ready()));
      return made.id;
    };
    const mine = await readyIn(place);
    const asked = await Promise.all(Array.from({ length: 3 * rate + 5 }, () => ask(place, mine)));
    expect(asked.filter((outcome) => outcome === "opened")).toHaveLength(3 * rate);
    expect(asked.filter((outcome) => outcome === "too-many")).toHaveLength(5);

    // The platform's looks are how mass NotFound is judged: a team that asked for all of its own leaves them alone, and they it.
    const platform = { subject: "pia", role: "platform", team: null } as const;
    const judge = () => store.api.openVerification("platform", platform, newId(), mine);
    const judged = await Promise.all(Array.from({ length: 3 * rate + 2 }, judge));
    expect(judged.filter((outcome) => outcome === "opened")).toHaveLength(3 * rate);

    const neighbour = { ...(await newPlace(store)), environment: place.environment };
    expect(await ask(neighbour, await readyIn(neighbour))).toBe("opened");
    await store.as("owner").rows("update cairn.drift_runs set started_at = now() - interval '61 seconds'");
    for (let look = 0; look < 3 * rate; look++) expect(await judge()).toBe("opened");
    expect(await ask(place, mine)).toBe("opened");
  });
});
