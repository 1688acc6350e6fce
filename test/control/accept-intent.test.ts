import { describe, expect, it } from "vitest";
import { acceptIntent } from "../../control/accept-intent.ts";
import type { Intent, IntentView } from "../../core/intent.ts";
import { hashOf, type Json } from "../../core/json.ts";
import type { OperationRef } from "../../core/operation.ts";
import type { Policy } from "../../core/policy.ts";
import type { Acceptance, AcceptResult, ApiStore, ContextResource, IntentContext } from "../../core/store.ts";
import { fakeApiStore } from "../support/fake-api-store.ts";
import {
  applying,
  contextOf,
  counter,
  deleting,
  existing,
  goldenPaths,
  idOf,
  policyOf,
  using,
  violation,
} from "./inputs.ts";

const intent = applying({ db: { type: "bucket" }, app: using("db") });
const hashOfIntent = (asked: Intent) => hashOf(asked as unknown as Json);
const first = { id: idOf(1), status: "PENDING" } as IntentView;

type Scene = {
  contexts?: IntentContext[];
  results?: AcceptResult[];
  policy?: Policy;
  start?: (name: string) => Promise<"started" | "exists">;
};

/** The store answers from a script, whose last line goes on for ever; the store in memory counts the calls. */
function scene({
  contexts = [contextOf()],
  results = [{ outcome: "accepted", startable: [] }],
  policy = policyOf(),
  start,
}: Scene = {}) {
  const acceptances: Acceptance[] = [];
  const denials: Parameters<ApiStore["recordDenial"]>[0][] = [];
  const started: { name: string; input: Json }[] = [];
  const memory = fakeApiStore({
    ...{ teams: [], services: [], environments: [], targets: [], resources: [], events: [], intents: [] },
    ...{ decisions: [], reports: [], findings: [], orphans: [], keys: new Map(), acceptances: [] },
  });
  const next = <T>(script: T[]): T => (script.length > 1 ? script.shift() : script[0]) as T;
  const store: ApiStore = {
    ...memory,
    async intentContext(...asked) {
      await memory.intentContext(...asked);
      return next(contexts);
    },
    async acceptIntent(acceptance) {
      await memory.acceptIntent(acceptance);
      acceptances.push(acceptance);
      return next(results);
    },
    async recordDenial(denial) {
      await memory.recordDenial(denial);
      denials.push(denial);
    },
  };
  const executions = {
    async start(_machine: "reconcile" | "drift", name: string, input: Json) {
      started.push({ name, input });
      return start?.(name) ?? "started";
    },
  };
  const accept = (
    asked: Intent = intent,
    { key = "key", dryRun = false }: { key?: string | null; dryRun?: boolean } = {},
  ) =>
    acceptIntent(
      { store, goldenPaths, policy, executions, newId: counter(), now: () => 1 },
      {
        caller: { subject: "ada", role: "developer", team: "payments" },
        scope: { team: "payments" },
        intent: asked,
        key,
        dryRun,
      },
    );
  return { accept, acceptances, denials, started, calls: memory.calls };
}

const ref = (operation: number, epoch = 1): OperationRef => ({ team: "payments", operation: idOf(operation), epoch });

describe("an accepted intent", () => {
  it("costs two calls, stores all that was decided, and starts what can start", async () => {
    const { accept, acceptances, started, calls } = scene({
      results: [{ outcome: "accepted", startable: [ref(5, 3)] }],
    });
    const outcome = await accept();
    expect(calls).toEqual(["intentContext", "acceptIntent"]);
    expect(started).toEqual([{ name: `${idOf(5)}-3`, input: ref(5, 3) }]);
    const [stored] = acceptances;
    expect(outcome).toEqual({ outcome: "accepted", intent: stored?.response, replayed: false });
    expect(stored).toMatchObject({
      scope: { team: "payments" },
      key: "key",
      requestHash: hashOfIntent(intent),
      intentId: stored?.response.id,
      expectedVersion: 7,
      response: {
        status: "PENDING",
        resources: [
          { name: "db", status: "PENDING" },
          { name: "app", status: "PENDING" },
        ],
      },
    });
    const [db, app] = stored?.changes ?? [];
    expect(db).toMatchObject({
      change: "create",
      expectedGeneration: 0,
      dependsOn: [],
      operationId: expect.any(String),
    });
    expect(app).toMatchObject({ change: "create", dependsOn: [db?.resourceId] });
  });

  it("binds the decision to the hash of each definition as it will be applied", async () => {
    const { accept, acceptances } = scene();
    await accept();
    const { changes = [], decision } = acceptances[0] ?? {};
    expect(changes).toHaveLength(2);
    for (const { name, definition, definitionHash } of changes) {
      expect(definitionHash).toBe(hashOf(definition as unknown as Json));
      expect(decision?.definitionHashes[name]).toBe(definitionHash);
    }
    expect(decision).toMatchObject({ policyRevision: "r1", wasmHash: "0".repeat(64), inputHash: expect.any(String) });
  });

  it("binds the decision to both of one name, where the older one is still being deleted", async () => {
    const older = existing("db", {
      id: "older",
      deleting: true,
      status: "FAILED",
      definitionHash: "hash of the older",
    });
    const newer = existing("db", { id: "newer", definitionHash: "hash of the newer" });
    for (const resources of [
      [older, newer],
      [newer, older],
    ]) {
      const { accept, acceptances } = scene({ contexts: [contextOf(resources)] });
      await accept(deleting(null));
      expect(acceptances[0]?.decision.definitionHashes).toEqual({
        db: "hash of the newer",
        "db older": "hash of the older",
      });
    }
  });

  it("holds at any version of the service when it rests on no other resource", async () => {
    const { accept, acceptances } = scene();
    await accept(applying({ db: { type: "bucket" } }));
    expect(acceptances[0]?.expectedVersion).toBeNull();
  });

  it.each<[string, Intent, Partial<ContextResource>, object, object]>([
    [
      "makes no operation for what is READY as asked",
      applying({ a: { type: "bucket", version: 1 } }),
      {},
      { change: "none", operationId: null },
      { status: "READY" },
    ],
    [
      "says SYNCING of what is under way",
      applying({ a: { type: "bucket" } }),
      { operation: { id: "o", kind: "apply", status: "RUNNING" } },
      { change: "none" },
      { status: "SYNCING" },
    ],
    [
      "says PENDING of what waits",
      applying({ a: { type: "bucket" } }),
      { operation: { id: "o", kind: "apply", status: "WAITING" } },
      { change: "none" },
      { status: "PENDING" },
    ],
    [
      "retries what FAILED without a new operation",
      applying({ a: { type: "bucket" } }),
      { status: "FAILED" },
      { change: "retry", operationId: null, expectedGeneration: 3, definition: null },
      { status: "PENDING" },
    ],
    [
      "deletes under a new operation",
      deleting(["a"]),
      {},
      { change: "delete", operationId: expect.any(String), definition: null },
      { status: "PENDING" },
    ],
    [
      "says SYNCING of a delete that is under way",
      deleting(["a"]),
      { deleting: true, operation: { id: "o", kind: "delete", status: "RUNNING" } },
      { change: "none" },
      { status: "SYNCING" },
    ],
  ])("%s", async (_reason, asked, more, change, status) => {
    const { accept, acceptances } = scene({ contexts: [contextOf([existing("a", more)])] });
    expect(await accept(asked)).toMatchObject({ outcome: "accepted", intent: { ...status, resources: [status] } });
    expect(acceptances[0]?.changes).toMatchObject([change]);
  });

  it("of everything where there is nothing is DELETED at once", async () => {
    expect(await scene().accept(deleting(null))).toMatchObject({
      outcome: "accepted",
      intent: { status: "DELETED", resources: [] },
    });
  });

  it("stays accepted when starting fails, and starts the others", async () => {
    const { accept, started } = scene({
      results: [{ outcome: "accepted", startable: [ref(5), ref(6)] }],
      start: async (name) => {
        if (name.startsWith(idOf(5))) throw new Error("no Step Functions");
        return "started";
      },
    });
    expect(await accept()).toMatchObject({ outcome: "accepted" });
    expect(started).toHaveLength(2);
  });
});

describe("an idempotency key", () => {
  const sameKey = contextOf([], { key: { requestHash: hashOfIntent(intent), response: first } });

  it("that was used for the same intent gives the first answer, for one call", async () => {
    const { accept, calls, started } = scene({ contexts: [sameKey] });
    expect(await accept()).toEqual({ outcome: "accepted", intent: first, replayed: true });
    expect(calls).toEqual(["intentContext"]);
    expect(started).toEqual([]);
  });

  it("is the same whatever order the intent's members are in", async () => {
    const { accept } = scene({ contexts: [sameKey] });
    const other = Object.fromEntries(Object.entries(intent).toReversed()) as Intent;
    expect(await accept(other)).toMatchObject({ replayed: true });
  });

  it("that was used for another intent is refused", async () => {
    const { accept, calls } = scene({ contexts: [sameKey] });
    expect(await accept(applying({ db: { type: "queue" } }))).toEqual({ outcome: "key-reused" });
    expect(calls).toEqual(["intentContext"]);
  });

  it.each([
    ["the winner's answer", hashOfIntent(intent), { outcome: "accepted", intent: first, replayed: true }],
    ["a refusal", "another", { outcome: "key-reused" }],
  ])("that another request used meanwhile gives %s", async (_reason, requestHash, outcome) => {
    const { accept, started } = scene({ results: [{ outcome: "replayed", requestHash, response: first }] });
    expect(await accept()).toEqual(outcome);
    expect(started).toEqual([]);
  });
});

describe("an intent that was overtaken", () => {
  it("is decided anew on what is there now", async () => {
    const { accept, acceptances, calls } = scene({
      contexts: [contextOf(), contextOf([existing("db")], { version: 8 })],
      results: [{ outcome: "conflict" }, { outcome: "accepted", startable: [] }],
    });
    expect(await accept()).toMatchObject({ outcome: "accepted", replayed: false });
    expect(acceptances.map(({ expectedVersion }) => expectedVersion)).toEqual([7, 8]);
    expect(acceptances.map(({ changes }) => changes[0]?.change)).toEqual(["create", "none"]);
    expect(calls).toHaveLength(4);
  });

  it("again and again is busy after six tries, and nothing is started", async () => {
    const { accept, calls, started } = scene({ results: [{ outcome: "conflict" }] });
    expect(await accept()).toEqual({ outcome: "busy" });
    expect(calls).toHaveLength(12);
    expect(started).toEqual([]);
  });
});

describe("an intent that is not accepted", () => {
  it("for policy is recorded as a denial and stores nothing else", async () => {
    const policy = policyOf(({ resource: { name } }) => ({
      allow: name !== "db",
      violations: [violation("region", name)],
    }));
    const { accept, denials, calls, started } = scene({ policy });
    const outcome = await accept();
    expect(outcome).toMatchObject({
      outcome: "denied",
      violations: [violation("region", "db"), violation("region", "app")],
    });
    expect(calls).toEqual(["intentContext", "recordDenial"]);
    expect(started).toEqual([]);
    expect(denials).toMatchObject([
      { intent, decision: { id: outcome.outcome === "denied" && outcome.decisionId, policyRevision: "r1" } },
    ]);
    expect(Object.keys(denials[0]?.decision.definitionHashes ?? {})).toEqual(["db", "app"]);
  });

  it.each<[string, IntentContext, Intent, object]>([
    ["an unknown team", contextOf([], { team: null }), intent, { outcome: "invalid", errors: [{ pointer: "/team" }] }],
    [
      "an unknown environment",
      contextOf([], { environment: null }),
      intent,
      { outcome: "invalid", errors: [{ pointer: "/environment" }] },
    ],
    [
      "both",
      contextOf([], { team: null, environment: null }),
      intent,
      { outcome: "invalid", errors: [{ pointer: "/team" }, { pointer: "/environment" }] },
    ],
    ["a bad reference", contextOf(), applying({ app: using("db") }), { outcome: "invalid" }],
    [
      "what others use",
      contextOf([existing("a"), existing("b", { dependsOn: ["id-of-a"] })]),
      deleting(["a"]),
      { outcome: "referenced", by: ["b"] },
    ],
  ])("for %s costs one call and asks no policy", async (_reason, context, asked, outcome) => {
    const policy = policyOf();
    const { accept, calls } = scene({ contexts: [context], policy });
    expect(await accept(asked)).toMatchObject(outcome);
    expect(calls).toEqual(["intentContext"]);
    expect(policy.asked).toEqual([]);
  });
});

describe("a dry run", () => {
  it.each([true, false])("costs one call, stores nothing and starts nothing (allowed: %s)", async (allow) => {
    const { accept, calls, started } = scene({ policy: policyOf(() => ({ allow })) });
    const outcome = await accept(intent, { key: null, dryRun: true });
    expect(outcome).toMatchObject({
      outcome: "planned",
      plan: { allow, resources: [{ change: "create" }, { dependsOn: ["db"] }] },
    });
    expect(calls).toEqual(["intentContext"]);
    expect(started).toEqual([]);
  });

  it("plans anew under a key that was used", async () => {
    const { accept } = scene({ contexts: [contextOf([], { key: { requestHash: "other", response: first } })] });
    expect(await accept(intent, { dryRun: true })).toMatchObject({ outcome: "planned" });
  });
});
