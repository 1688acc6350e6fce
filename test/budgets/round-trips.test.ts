import { v7 as newId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acceptIntent } from "../../control/accept-intent.ts";
import { applyResource } from "../../control/apply-resource.ts";
import { claimOperation } from "../../control/claim-operation.ts";
import { observeResource } from "../../control/observe-resource.ts";
import { paceOf } from "../../control/pace.ts";
import { sweep } from "../../control/sweep.ts";
import type { OperationRef } from "../../core/operation.ts";
import type { Observation, Provider } from "../../core/provider.ts";
import { putTargets } from "../../database/targets.ts";
import { counts } from "../../scripts/cost/counts.ts";
import { goldenPaths } from "../control/inputs.ts";
import { createTestStore, type TestStore } from "../support/store.ts";

// The budget of docs/overview.md: on AWS each of these calls is an HTTPS call to the database's one writer. Counted over the real
// store and the real Data API client; only the provider is scripted.

let store: TestStore;
const platform = { subject: "pat", role: "platform", team: null } as const;
const developer = { subject: "dana", role: "developer", team: "payments" } as const;
const scope = { team: "payments" };

beforeAll(async () => {
  store = await createTestStore();
  await store.api.putTeam("platform", platform, "payments", { name: null, contact: null });
  await putTargets(store.as("owner"), [
    { environment: "staging", provider: "aws", config: { region: "eu-central-1" } },
  ]);
});
afterAll(() => store?.close());

async function calls<T>(work: () => Promise<T>): Promise<[result: T, calls: number]> {
  const before = store.counted.statements;
  const result = await work();
  return [result, store.counted.statements - before];
}

const started: OperationRef[] = [];
const executions = {
  start: async (_machine: string, _name: string, input: object) => {
    started.push(input as OperationRef);
    return "started" as const;
  },
};

function accept(name: string) {
  const deps = {
    store: store.api,
    goldenPaths,
    policy: {
      revision: "test",
      wasmHash: "test",
      evaluate: () => ({ allow: true, violations: [], warnings: [], inputHash: "test" }),
    },
    executions,
    newId,
    now: () => 0,
  };
  const intent = {
    action: "apply",
    team: "payments",
    service: "orders",
    environment: "staging",
    resources: { [name]: { type: "bucket" } },
  } as const;
  return acceptIntent(deps, { caller: developer, scope, intent, key: newId(), dryRun: false });
}

/** Shows one observation after the other, and takes every request. */
function scripted(...sights: Observation[]): Provider {
  return {
    name: "aws",
    observe: async () =>
      sights.shift() ?? {
        state: "unknown",
        failure: { code: "END", message: "", transient: true },
        retryAfterSeconds: 1,
      },
    apply: async () => ({ outcome: "accepted", request: "r-1", identifier: null, retryAfterSeconds: 1 }),
    destroy: async () => ({ outcome: "accepted", request: "r-1", identifier: null, retryAfterSeconds: 1 }),
  };
}

test("accepting an intent takes two, and a resource's way to READY six with one wait, each further look one", async () => {
  const [accepted, forAccept] = await calls(() => accept("files"));
  expect(accepted.outcome).toBe("accepted");
  expect(forAccept).toBe(2);
  expect(forAccept).toBe(counts.intent.dataApi);

  const ref = started.at(-1) as OperationRef;
  const ready: Observation = {
    state: "ready",
    identifier: "files",
    attributes: { Url: "s3://files", Arn: "arn:aws:s3:::files" },
  };
  const progressing: Observation = { state: "progressing", retryAfterSeconds: 1 };
  const deps = {
    store: store.worker,
    providers: { aws: scripted({ state: "absent" }, progressing, ready) },
    pace: paceOf(60),
    random: () => 0.5,
  };
  const [, forClaim] = await calls(() => claimOperation(deps, ref));
  const [looked, forLook] = await calls(() => observeResource(deps, ref));
  if (looked.next !== "apply") throw new Error(`the look led to ${looked.next}`);
  const [, forApply] = await calls(() => applyResource(deps, ref, looked));
  const [, forFurtherLook] = await calls(() => observeResource(deps, ref));
  const [, forLastLook] = await calls(() => observeResource(deps, ref));
  expect({ forClaim, forLook, forApply, forFurtherLook, forLastLook }).toEqual({
    forClaim: 1,
    forLook: 1,
    forApply: 2,
    forFurtherLook: 1,
    forLastLook: 2,
  });
  expect(forClaim + forLook + forApply + forLastLook).toBe(counts.change.dataApi);

  const page = await store.api.resources(scope, { service: "orders" }, { limit: 10, cursor: null });
  expect(page.items.map(({ status }) => status)).toEqual(["READY"]);
});

test("each read takes one", async () => {
  const page = { limit: 50, cursor: null };
  const [resources, forResources] = await calls(() => store.api.resources(scope, {}, page));
  const id = resources.items[0]?.id ?? "";
  const reads: { [name: string]: () => Promise<unknown> } = {
    resource: () => store.api.resource(scope, id),
    resourceEvents: () => store.api.resourceEvents(scope, id, page),
    "resourceEvents of nothing": () => store.api.resourceEvents(scope, newId(), page),
    "resourceEvents after the last": () => store.api.resourceEvents(scope, id, { limit: 50, cursor: newId() }),
    intent: () => store.api.intent(scope, newId()),
    decision: () => store.api.decision(scope, newId()),
    team: () => store.api.team(scope, "payments"),
    teams: () => store.api.teams("platform", page),
    service: () => store.api.service(scope, "payments", "orders"),
    services: () => store.api.services(scope, "payments", page),
    environment: () => store.api.environment(scope, "staging"),
    environments: () => store.api.environments(scope, page),
    targets: () => store.api.targets(scope, "staging", page),
    driftReports: () => store.api.driftReports(scope, page),
    driftReport: () => store.api.driftReport(scope, newId()),
    findings: () => store.api.findings(scope, {}, page),
  };
  const counts: { [name: string]: number } = { resources: forResources };
  for (const [name, read] of Object.entries(reads)) counts[name] = (await calls(read))[1];
  expect(counts).toEqual(Object.fromEntries(Object.keys(counts).map((name) => [name, 1])));
});

test("a sweep with nothing to do takes one", async () => {
  const [swept, forSweep] = await calls(() => sweep({ store: store.worker, executions, pace: paceOf(60) }));
  expect([swept.due, forSweep]).toEqual([0, 1]);
});
