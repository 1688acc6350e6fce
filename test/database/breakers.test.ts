import { v7 as newId } from "uuid";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { applyResource } from "../../control/apply-resource.ts";
import { paceOf } from "../../control/pace.ts";
import { hashOf } from "../../core/json.ts";
import type { Answer, OperationRef, Progress } from "../../core/operation.ts";
import { type Provider, providerService } from "../../core/provider.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
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
  resourceRow,
  sweep,
  update,
  written,
} from "./fixture.ts";
import { accepted, claim, names, newTarget, ofKind, pass, type Started } from "./protection.ts";

const platform = { subject: "pia", role: "platform", team: null } as const;
const wait: Progress = {
  to: "wait",
  reason: { code: "PROVIDER_UNAVAILABLE", message: "No answer.", retryAt: null },
  delaySeconds: 1,
};
const failed: Answer = { answer: "failed", code: "NO_ANSWER" };
const answered: Answer = { answer: "answered" };
/** `failures_to_open` of `cairn.note_answer`. */
const threshold = 8;

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newTarget(store, await newPlace(store), 1000);
});
/** The sweep is everybody's: what a test left is not the next one's. */
afterEach(() =>
  store
    .as("owner")
    .rows(
      "update cairn.operations set status = 'FAILED', gate = null where status in ('PENDING', 'RUNNING', 'WAITING')",
    ),
);

async function breaker(service = "AWS::S3") {
  const page = await store.api.targets({ team: place.team }, place.environment, { limit: 9, cursor: null });
  return page.items[0]?.breakers.find((each) => each.service === service);
}

async function fail(each: Started, answer = failed): Promise<void> {
  expect(await claim(store, each)).toBe("claimed");
  written(await store.worker.advance(each.ref, wait, answer));
}

/** As many failures as open it. Those before the last wait for a pause of their own; when it is over, they wait here too. */
async function broken(prefix = "dead"): Promise<Started[]> {
  const all = await accepted(store, place, names(threshold, prefix));
  for (const each of all) await fail(each);
  await store.as("owner").rows(
    `update cairn.operations set due_at = now() - interval '1 second'
     where status = 'WAITING' and gate is null and resource_id in (
       select id from cairn.resources where environment = :environment)`,
    { environment: place.environment },
  );
  for (const ref of await resumed()) expect(await claim(store, { ref })).toBe("waiting");
  return all;
}

/** Of one resource, in words. */
async function timeline(id: string): Promise<string[]> {
  const events = await store.api.resourceEvents({ team: place.team }, id, { limit: 100, cursor: null });
  return events?.items.map(({ message }) => message) ?? [];
}

/** What the sweep starts in this test's environment. */
async function resumed(): Promise<OperationRef[]> {
  const mine = await store
    .as("owner")
    .rows<string>(
      "select to_jsonb(o.id) from cairn.operations o join cairn.resources r on r.id = o.resource_id where r.environment = :environment",
      { environment: place.environment },
    );
  return (await sweep(store)).filter(({ operation }) => mine.includes(operation));
}

test("eight failures in a row open it: what comes next waits as a row, and what failed waits with it", async () => {
  const all = await accepted(store, place, names(threshold + 1));
  for (const each of all.slice(0, threshold - 1)) await fail(each);
  expect(await breaker()).toMatchObject({ state: "CLOSED", failures: threshold - 1, lastError: "NO_ANSWER" });
  const [last, next] = all.slice(threshold - 1);
  if (!last || !next) throw new Error("nine were accepted");
  await fail(last);
  const open = await breaker();
  expect(open).toMatchObject({ state: "OPEN", failures: threshold, heldBy: null });
  expect(await operationRows(store, last.id)).toMatchObject([{ status: "WAITING", gate: "BREAKER" }]);

  store.counted.statements = 0;
  expect(await claim(store, next)).toBe("waiting");
  expect(store.counted.statements).toBe(1);
  const resource = await resourceRow(store, next.id);
  expect(resource).toMatchObject({ status: "PENDING", reason: { code: "PROVIDER_UNAVAILABLE" } });
  expect(resource.reason?.retryAt).toMatch(/Z$/);
  expect(resource.reason?.message).toContain("AWS::S3");
  expect(await eventsOf(store, place, next.id)).toEqual(["resource.create", "operation.held"]);
  expect(await eventsOf(store, place, last.id)).toContain("breaker.opened");
});

test.each([
  ["a 429", { answer: "throttled", code: "THROTTLING" }],
  ["a 5xx or a hang", failed],
] as [string, Answer][])("%s counts", async (_what, answer) => {
  const [each] = await accepted(store, place, ["a"]);
  if (each === undefined) throw new Error("one was accepted");
  await fail(each, answer);
  expect(await breaker()).toMatchObject({ failures: 1, lastError: answer.code });
});

test("an answer ends the row of failures, and a step that asked nobody says nothing", async () => {
  const all = await accepted(store, place, names(4));
  for (const each of all.slice(0, 2)) await fail(each);
  const [, , silent, fine] = all;
  if (!silent || !fine) throw new Error("four were accepted");
  await claim(store, silent);
  written(await store.worker.advance(silent.ref, wait));
  expect(await breaker()).toMatchObject({ failures: 2 });
  await claim(store, fine);
  written(await store.worker.advance(fine.ref, ready(), answered));
  expect(await breaker()).toMatchObject({ state: "CLOSED", failures: 0 });
});

test("one team's busy object, asked again and again, does not open it", async () => {
  const [mine] = await accepted(store, place, ["busy"]);
  if (mine === undefined) throw new Error("one was accepted");
  const deferred = {
    outcome: "deferred",
    failure: { code: "CONCURRENT_OPERATION", message: "Another change is under way.", transient: true },
    retryAfterSeconds: 0,
  } as const;
  const aws: Provider = {
    name: "aws",
    observe: () => Promise.reject(new Error("not asked for here")),
    apply: async () => deferred,
    destroy: async () => deferred,
  };
  const deps = { store: store.worker, providers: { aws }, pace: paceOf(lease), random: () => 0 };
  let { ref } = mine;
  for (let round = 0; round <= threshold; round++) {
    expect(await claim(store, { ref })).toBe("claimed");
    const work = await store.worker.work(ref, lease);
    if (work === null) throw new Error("the lease is lost");
    const asked = { identifier: null, sentHash: hashOf(work.definition.properties) };
    expect(await applyResource(deps, ref, asked)).toEqual({ next: "end" });
    expect(await operationRows(store, mine.id)).toMatchObject([{ status: "WAITING", gate: null }]);
    await store.as("owner").rows("update cairn.operations set due_at = now() where id = :operation::uuid", {
      operation: ref.operation,
    });
    ref = (await resumed())[0] ?? ref;
  }
  expect(await breaker()).toBeUndefined();
});

test("another service of the target, and another target, keep their pace", async () => {
  await broken();
  const [topic] = await accepted(store, place, ["events"], "AWS::MSK::Topic");
  if (topic === undefined) throw new Error("one was accepted");
  expect(await claim(store, topic)).toBe("claimed");
  const elsewhere = await newTarget(store, place, 1000);
  const [bucket] = await accepted(store, elsewhere, ["a"]);
  if (bucket === undefined) throw new Error("one was accepted");
  expect(await claim(store, bucket)).toBe("claimed");
});

test("its probes leave others their turn where a target allows less than a call a second", async () => {
  await broken();
  const [topic] = await accepted(store, place, ["events"], "AWS::MSK::Topic");
  if (topic === undefined) throw new Error("one was accepted");
  const owner = store.as("owner");
  await owner.rows(
    `update cairn.targets set config = '{ "requestsPerSecond": 0.1 }' where environment = :environment`,
    {
      environment: place.environment,
    },
  );
  await owner.rows("update cairn.target_budgets set tokens = 0, filled_at = now() where environment = :environment", {
    environment: place.environment,
  });
  expect(await claim(store, topic)).toBe("waiting");
  // What comes in is enough for one.
  await pass(store, place, 55);
  expect((await resumed()).map(({ operation }) => operation)).toEqual([topic.ref.operation]);
  await pass(store, place, 55);
  const [probe, ...others] = await resumed();
  expect(others).toEqual([]);
  if (probe === undefined) throw new Error("no probe");
  expect(await claim(store, { ref: probe })).toBe("claimed");
  expect(await store.worker.work(probe, lease)).toMatchObject({ probing: true });
});

test("while it is open the sweep starts nothing of it; then one operation, until that has its answer", async () => {
  await broken();
  expect(await resumed()).toEqual([]);
  await pass(store, place, 11);
  const [probe, ...others] = await resumed();
  expect(others).toEqual([]);
  if (probe === undefined) throw new Error("no probe");
  expect(await resumed()).toEqual([]);
  expect(await claim(store, { ref: probe })).toBe("claimed");
  expect(await store.worker.work(probe, lease)).toMatchObject({ probing: true });
  expect(await breaker()).toMatchObject({ state: "HALF_OPEN" });
  expect(await resumed()).toEqual([]);

  written(await store.worker.advance(probe, { to: "answered" }, answered));
  expect(await breaker()).toMatchObject({ state: "CLOSED", failures: 0, retryAt: null });
  expect(await resumed()).toHaveLength(threshold - 1);
  expect(await resumed()).toEqual([]);
});

test("a probe that fails opens it again, and the next one gets its turn", async () => {
  await broken();
  for (let round = 0; round < 3; round++) {
    await pass(store, place, 11);
    const [probe, ...others] = await resumed();
    if (probe === undefined) throw new Error("no probe");
    expect(others).toEqual([]);
    expect(await claim(store, { ref: probe })).toBe("claimed");
    written(await store.worker.advance(probe, wait, failed));
    expect(await breaker()).toMatchObject({ state: "OPEN" });
    expect(await resumed()).toEqual([]);
  }
});

test("a probe that is lost holds nobody up for longer than its lease", async () => {
  await broken();
  await pass(store, place, 11);
  expect(await resumed()).toHaveLength(1);
  await pass(store, place, lease + 1);
  expect(await resumed()).toHaveLength(1);
});

test("of claims that come at once when it may be tried, one is the probe", async () => {
  await broken();
  const late = await accepted(store, place, names(6, "late"));
  await pass(store, place, 11);
  const seen = await Promise.all(late.map((each) => claim(store, each)));
  expect(seen.filter((outcome) => outcome === "claimed")).toHaveLength(1);
});

test("what was under way when it opened neither closes it nor opens it anew", async () => {
  const [slow, fast] = await accepted(store, place, ["slow", "fast"]);
  if (!slow || !fast) throw new Error("two were accepted");
  await claim(store, slow);
  await claim(store, fast);
  await broken();
  const before = await breaker();
  written(await store.worker.advance(slow.ref, wait, failed));
  written(await store.worker.advance(fast.ref, ready(), answered));
  expect(await breaker()).toEqual(before);
  expect(await operationRows(store, slow.id)).toMatchObject([{ gate: "BREAKER" }]);
  expect(await resourceRow(store, fast.id)).toMatchObject({ status: "READY" });
});

test("failures that come at once open it once", async () => {
  const all = await accepted(store, place, names(threshold + 4));
  for (const each of all) await claim(store, each);
  await Promise.all(all.map(({ ref }) => store.worker.advance(ref, wait, failed)));
  expect(await breaker()).toMatchObject({ state: "OPEN", failures: threshold });
});

test("what waits may be overtaken by a newer change, which waits in its place", async () => {
  const [first] = await broken();
  if (first === undefined) throw new Error("eight were accepted");
  const [next] = await accept(store, place, [update(first.id, "dead0", 1)]);
  expect(next).toBeDefined();
  expect(await operationRows(store, first.id)).toMatchObject([{ status: "SUPERSEDED" }, { status: "PENDING" }]);
});

test("the platform opens it by hand: no probe gets through until it is closed by hand", async () => {
  const asked = { environment: place.environment, provider: "aws", service: "AWS::S3" };
  expect(await store.api.putBreaker("platform", platform, asked, "OPEN")).toMatchObject({
    state: "OPEN",
    heldBy: "pia",
    retryAt: null,
  });
  const [each] = await accepted(store, place, ["a"]);
  if (each === undefined) throw new Error("one was accepted");
  expect(await claim(store, each)).toBe("waiting");
  expect((await resourceRow(store, each.id)).reason?.message).toContain("paused");
  expect((await timeline(each.id)).at(-1)).toBe(`It waits: pia has paused AWS::S3 in ${place.environment}.`);
  await pass(store, place, 3600);
  expect(await resumed()).toEqual([]);
  const [target] = (await store.api.targets({ team: place.team }, place.environment, { limit: 9, cursor: null })).items;
  expect(target).toMatchObject({
    backlog: { budget: 0, breaker: 1 },
    budget: { requestsPerSecond: 1000, burst: 2000 },
  });

  await store.api.putBreaker("platform", platform, asked, "CLOSED");
  expect(await breaker()).toMatchObject({ state: "CLOSED", heldBy: null });
  expect(await resumed()).toHaveLength(1);
});

test("closing it by hand ends a storm's pause", async () => {
  await broken();
  const asked = { environment: place.environment, provider: "aws", service: "AWS::S3" };
  await store.api.putBreaker("platform", platform, asked, "CLOSED");
  expect(await resumed()).toHaveLength(threshold);
});

test("a service is called here as it is in the API, whatever kind a resource type is of", async () => {
  const types = loadGoldenPaths(new URL("../../golden-paths/", import.meta.url), awsKindSchemas()).list();
  const kinds = [...new Set(types.flatMap(({ tiers }) => Object.values(tiers).map(({ kind }) => kind)))];
  expect(kinds).toContain("Postgres::Database");
  const services = await store
    .as("owner")
    .rows<string>("select to_jsonb(cairn.provider_service(k)) from jsonb_array_elements_text(:kinds::jsonb) k", {
      kinds: JSON.stringify(kinds),
    });
  expect(services).toEqual(kinds.map(providerService));
});

test("an unknown target has no breaker, and a team may not touch one", async () => {
  const asked = { environment: place.environment, provider: "mainframe", service: "AWS::S3" };
  expect(await store.api.putBreaker("platform", platform, asked, "OPEN")).toBeNull();
  await expect(
    store.api.putBreaker({ team: place.team }, caller, { ...asked, provider: "aws" }, "OPEN"),
  ).rejects.toThrow(/permission denied/);
});

test("a timeline tells the whole story in plain words: who, attempts, waits, the breaker, and the end", async () => {
  const [told, ...others] = await accepted(store, place, names(threshold + 1));
  if (told === undefined) throw new Error("nine were accepted");
  let { ref } = told;
  const goOn = async () => {
    ref = (await resumed()).find(({ operation }) => operation === ref.operation) ?? ref;
  };
  await claim(store, told);
  const notUp = { code: "PROVIDER_UNAVAILABLE", message: "It did not come up.", retryAt: null } as const;
  written(await store.worker.advance(ref, { to: "sent", request: "r-1", identifier: null }, answered));
  written(await store.worker.advance(ref, { to: "next-attempt", reason: notUp, delaySeconds: 0 }, answered));
  await goOn();
  for (const each of others) await fail(each);
  expect(await claim(store, { ref })).toBe("waiting");
  await store.api.putBreaker(
    "platform",
    platform,
    { environment: place.environment, provider: "aws", service: "AWS::S3" },
    "CLOSED",
  );
  await goOn();
  expect(await claim(store, { ref })).toBe("claimed");
  const refused = { code: "PROVIDER_REJECTED", message: "The name is taken.", retryAt: null } as const;
  written(await store.worker.advance(ref, { to: "failed", reason: refused, proven: true }, answered));
  const again = await store.api.retryResource({ team: place.team }, { ...caller, team: place.team }, told.id);
  if (again.outcome !== "retried" || again.startable[0] === undefined) throw new Error("not retried");
  [ref] = again.startable as [OperationRef];
  await claim(store, { ref });
  written(await store.worker.advance(ref, ready(), answered));
  expect((await timeline(told.id)).map((message) => message.replace(/until \S+:/, "until then:"))).toEqual([
    "dana asked for it, and policy allowed it.",
    "Work began (attempt 1).",
    "The provider was asked for it (attempt 1).",
    "It waits until then: It did not come up.",
    "The wait is over, so it goes on.",
    `It waits: AWS::S3 in ${place.environment} is not answering as it should.`,
    "Its turn came, so it goes on.",
    "Work went on (attempt 2).",
    "It failed: The name is taken.",
    "dana asked for another try.",
    "Work began (attempt 3).",
    "It is READY.",
  ]);
});

test("a backlog counts what the caller may see", async () => {
  await broken();
  const other = await newPlace(store);
  const page = async (scope: { team: string } | "platform") =>
    (await store.api.targets(scope, place.environment, { limit: 9, cursor: null })).items[0]?.backlog;
  expect(await page({ team: place.team })).toEqual({ budget: 0, breaker: threshold });
  expect(await page("platform")).toEqual({ budget: 0, breaker: threshold });
  expect(await page({ team: other.team })).toEqual({ budget: 0, breaker: 0 });
});

test("a look for drift leaves alone what does not answer", async () => {
  const kind = ofKind("AWS::S3::Bucket", "seen");
  const [ref] = await accept(store, place, [kind]);
  if (ref === undefined) throw new Error("nothing can start");
  await claim(store, { ref });
  written(await store.worker.advance(ref, ready(), answered));
  await broken();
  await store
    .as("owner")
    .rows("update cairn.resources set drift_due_at = case when id = :id::uuid then now() else 'infinity' end", {
      id: kind.resourceId,
    });
  expect(await store.drift.claimDrift(newId(), { batch: 25, intervalSeconds: 600 })).toEqual([]);
});
