import { describe, expect, it } from "vitest";
import type { AcceptOutcome, AcceptRequest } from "../../control/accept-intent.ts";
import { harness, ids, ordersIntent, sendIntent, tokens } from "./harness.ts";

describe("POST /v1/intents", () => {
  it("answers 202 with the intent and its Location", async () => {
    const { send } = harness();
    const answer = await send(sendIntent(ordersIntent));
    expect(answer.status).toBe(202);
    expect(answer.headers.location).toBe(`/v1/intents/${answer.body.id}`);
    expect(answer.body).toMatchObject({ action: "apply", team: "payments", service: "orders", environment: "staging" });
    expect(answer.headers).not.toHaveProperty("idempotent-replayed");
    expect((await send({ path: String(answer.headers.location) })).body).toEqual(answer.body);
  });

  it("answers the same key and payload with the original body, whatever the members' order", async () => {
    const { send, state } = harness();
    const first = await send(sendIntent(ordersIntent));
    const again = await send(sendIntent(Object.fromEntries(Object.entries(ordersIntent).reverse())));
    expect(again.status).toBe(202);
    expect(again.headers["idempotent-replayed"]).toBe("true");
    expect(again.text).toBe(first.text);
    expect(again.headers.location).toBe(first.headers.location);
    expect(state.acceptances.length).toBe(1);
  });

  it("answers 422 to the same key with another payload", async () => {
    const { send, state } = harness();
    await send(sendIntent(ordersIntent));
    const other = await send(sendIntent({ ...ordersIntent, service: "invoices" }));
    expect(other.status).toBe(422);
    expect(other.body.type).toBe("/problems/key-reused");
    expect(other.body.errors).toEqual([
      { pointer: "Idempotency-Key", message: "came with another payload before; use a new one" },
    ]);
    expect(state.acceptances.length).toBe(1);
  });

  it("keeps keys apart by team", async () => {
    const { send, state } = harness();
    await send(sendIntent(ordersIntent));
    const other = await send(sendIntent({ ...ordersIntent, team: "search" }, { claims: tokens.stranger }));
    expect(other.status).toBe(202);
    expect(other.headers).not.toHaveProperty("idempotent-replayed");
    expect(state.acceptances.length).toBe(2);
  });

  it("binds no key to what was refused", async () => {
    const { send } = harness();
    expect((await send(sendIntent({ ...ordersIntent, environment: "moon" }))).status).toBe(400);
    expect((await send(sendIntent(ordersIntent))).status).toBe(202);
  });

  it("answers ?dryRun=true with the plan, needs no key, and stores nothing", async () => {
    const { send, store } = harness();
    const answer = await send(sendIntent(ordersIntent, { query: "dryRun=true", headers: {} }));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ action: "apply", allow: true, resources: [{ name: "db", change: "create" }] });
    expect(store.calls).toEqual(["intentContext"]);
  });

  it("hands the use case a parsed intent, the caller and the scope", async () => {
    const asked: AcceptRequest[] = [];
    const { send } = harness({
      accept: async (_, request) => {
        asked.push(request);
        return { outcome: "busy" };
      },
    });
    await send(sendIntent({ ...ordersIntent, action: "delete", resources: { db: {}, cache: {} } }));
    const { resources: _, ...everything } = ordersIntent;
    await send(sendIntent({ ...everything, action: "delete" }, { claims: tokens.platform }));
    expect(asked).toMatchObject([
      {
        caller: { subject: "dora", role: "developer", team: "payments" },
        scope: { team: "payments" },
        key: "key-1",
        dryRun: false,
        intent: { action: "delete", resources: ["db", "cache"] },
      },
      {
        caller: { subject: "pia", role: "platform", team: null },
        scope: "platform",
        intent: { action: "delete", resources: null },
      },
    ]);
  });

  const violation = {
    rule: "public-exposure",
    resource: "files",
    pointer: "/resources/files",
    message: "public",
    fix: "close it",
  };
  it.each([
    {
      outcome: { outcome: "denied", decisionId: ids.decision, violations: [violation] },
      status: 403,
      body: { type: "/problems/denied", violations: [violation], decision: { id: ids.decision } },
    },
    {
      outcome: { outcome: "referenced", pointer: "/resources/db", by: ["db-url"], message: "db-url uses it" },
      status: 409,
      body: {
        type: "/problems/referenced",
        by: ["db-url"],
        errors: [{ pointer: "/resources/db", message: "db-url uses it" }],
      },
    },
    {
      outcome: { outcome: "replacement-required", pointers: ["/resources/db/class"], message: "needs a new one" },
      status: 409,
      body: {
        type: "/problems/replacement-required",
        errors: [{ pointer: "/resources/db/class", message: "needs a new one" }],
      },
    },
    { outcome: { outcome: "busy" }, status: 503, body: { type: "/problems/unavailable" } },
    { outcome: { outcome: "key-reused" }, status: 422, body: { type: "/problems/key-reused" } },
    {
      outcome: { outcome: "invalid", errors: [{ pointer: "/team", message: "is unknown" }] },
      status: 400,
      body: {
        type: "/problems/bad-request",
        detail: "/team: is unknown",
        errors: [{ pointer: "/team", message: "is unknown" }],
      },
    },
  ] as { outcome: AcceptOutcome; status: number; body: object }[])(
    "answers $status to $outcome.outcome",
    async ({ outcome, status, body }) => {
      const answer = await harness({ accept: async () => outcome }).send(sendIntent(ordersIntent));
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject(body);
      expect(answer.headers["retry-after"]).toBe(outcome.outcome === "busy" ? "1" : undefined);
    },
  );
});

it("tells a hundred of a thousand faults, so that the answer is one that the gateway takes", async () => {
  const errors = Array.from({ length: 1000 }, (_, index) => ({
    pointer: `/resources/a/${index}`,
    message: "is wrong",
  }));
  const answer = await harness({ accept: async () => ({ outcome: "invalid", errors }) }).send(sendIntent(ordersIntent));
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    detail: "/resources/a/0: is wrong (and 999 more)",
    errors: errors.slice(0, 100),
  });
});

describe("POST /v1/resources/{id}/verify", () => {
  it("answers 202 with the report that will hold what it finds", async () => {
    const started: unknown[] = [];
    const start = async (...given: unknown[]) => {
      started.push(given);
      return "started" as const;
    };
    const { send } = harness({ deps: { executions: { start } } });
    const answer = await send({ method: "POST", path: `/v1/resources/${ids.resource}/verify` });
    expect(answer.status).toBe(202);
    expect(answer.headers.location).toBe(`/v1/drift/reports/${answer.body.id}`);
    expect(started).toEqual([["drift", answer.body.id, { run: answer.body.id }]]);
  });

  it("answers 409 while the resource is not READY", async () => {
    const { send, state } = harness();
    state.resources = state.resources.map((resource) => ({ ...resource, status: "SYNCING" }));
    const answer = await send({ method: "POST", path: `/v1/resources/${ids.resource}/verify` });
    expect(answer.status).toBe(409);
    expect(answer.body.type).toBe("/problems/not-ready");
  });

  it("answers 503 with Retry-After when the look cannot be started, and its report has ended", async () => {
    const withdrawn: unknown[] = [];
    const start = async () => {
      throw Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" });
    };
    const { send, store, log } = harness({ deps: { executions: { start } } });
    store.withdrawVerification = async (...given) => {
      withdrawn.push(given);
    };
    const answer = await send({ method: "POST", path: `/v1/resources/${ids.resource}/verify` });
    expect([answer.status, answer.headers["retry-after"], answer.body.type]).toEqual([
      503,
      "2",
      "/problems/unavailable",
    ]);
    expect(withdrawn).toEqual([[{ team: "payments" }, expect.any(String)]]);
    expect(log).toMatchObject([{ level: "warn", error: "LookNotStarted", cause: "ThrottlingException" }]);
  });

  it("answers 503 with Retry-After when the team asked for enough looks lately, and starts nothing", async () => {
    const start = async () => {
      throw new Error("started");
    };
    const { send, store } = harness({ deps: { executions: { start } } });
    store.openVerification = async () => "too-many";
    const answer = await send({ method: "POST", path: `/v1/resources/${ids.resource}/verify` });
    expect([answer.status, answer.headers["retry-after"], answer.body.type]).toEqual([
      503,
      "20",
      "/problems/unavailable",
    ]);
  });
});
