import { createApi } from "../../api/create-api.ts";
import type { AcceptIntent, ApiDeps, GatewayEvent, LogEntry } from "../../api/deps.ts";
import { eventHandler } from "../../api/handle-event.ts";
import { acceptIntent } from "../../control/accept-intent.ts";
import type { GoldenPaths } from "../../core/definition.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Policy } from "../../core/policy.ts";
import { at, type FakeState, fakeApiStore } from "../support/fake-api-store.ts";

/** Ids that tests name: the last digits say what and whose. */
export const idOf = (digits: number) => `0192f3c1-7a10-7c3e-9a51-${String(digits).padStart(12, "0")}`;

export const ids = {
  resource: idOf(1),
  intent: idOf(2),
  decision: idOf(3),
  report: idOf(4),
  finding: idOf(5),
  /** Of payments, and FAILED. */
  failed: idOf(11),
  orphan: idOf(12),
  nobody: idOf(99),
};

const resource = (id: string, name: string, team = "payments") => ({
  id,
  team,
  service: "orders",
  environment: "staging",
  name,
  type: "bucket",
  version: 1,
  class: null,
  parameters: {},
  overrides: null,
  provider: "aws",
  status: "READY" as const,
  generation: 1,
  outputs: { arn: "arn:aws:s3:::orders-files" },
  reason: null,
  external: { identifier: "orders-files" },
  createdAt: at,
  updatedAt: at,
});

export function targetOf(provider: string, stamps: { createdAt: string; updatedAt: string }, environment = "staging") {
  return {
    environment,
    provider,
    config: { region: "eu-central-1" },
    budget: { requestsPerSecond: 25, burst: 50, available: 45 },
    backlog: { budget: 0, breaker: 3 },
    breakers: [
      {
        service: "AWS::MSK",
        state: "OPEN" as const,
        failures: 8,
        lastError: "THROTTLING",
        retryAt: at,
        heldBy: null,
        changedAt: at,
      },
    ],
    driftHalted: { since: at, report: ids.report },
    ...stamps,
  };
}

/** Two teams; everything belongs to payments. */
export function seeded(): FakeState {
  const stamps = { createdAt: at, updatedAt: at };
  const finding = {
    id: ids.finding,
    resource: {
      id: ids.resource,
      team: "payments",
      service: "orders",
      environment: "staging",
      name: "files",
      type: "bucket",
    },
    pointer: "/VersioningConfiguration/Status",
    expected: "Enabled",
    actual: "Suspended",
    detectedAt: at,
    resolvedAt: null,
  };
  return {
    teams: ["payments", "search"].map((team) => ({ team, name: null, contact: null, ...stamps })),
    services: [{ team: "payments", service: "orders", description: null, ...stamps }],
    environments: (["development", "staging", "production"] as const).map((tier) => ({
      environment: tier,
      tier,
      ...stamps,
    })),
    targets: [targetOf("aws", stamps)],
    resources: [resource(ids.resource, "files"), { ...resource(ids.failed, "cache"), status: "FAILED" }],
    events: [
      {
        resource: ids.resource,
        id: idOf(6),
        at,
        event: "resource.ready",
        actor: "cairn",
        message: "READY",
        detail: {},
      },
    ],
    intents: [
      {
        id: ids.intent,
        status: "READY",
        action: "apply",
        team: "payments",
        service: "orders",
        environment: "staging",
        decision: { id: ids.decision, warnings: [] },
        resources: [{ id: ids.resource, name: "files", type: "bucket", status: "READY" }],
      },
    ],
    decisions: [
      {
        id: ids.decision,
        team: "payments",
        intentId: ids.intent,
        allow: true,
        policyRevision: "r1",
        wasmHash: "0".repeat(64),
        inputHash: "1".repeat(64),
        violations: [],
        warnings: [],
        createdAt: at,
      },
    ],
    reports: [
      {
        team: "payments",
        id: ids.report,
        status: "DONE",
        resourceId: ids.resource,
        startedAt: at,
        finishedAt: at,
        checked: 1,
        unreadable: 0,
        findings: 1,
        halted: [{ environment: "staging", provider: "aws", looked: 40, missing: 12 }],
        items: [finding],
      },
    ],
    findings: [finding],
    orphans: [
      {
        id: ids.orphan,
        resource: { ...finding.resource, id: idOf(8), name: "lost" },
        provider: "aws",
        kind: "AWS::S3::Bucket",
        externalName: "orders-lost-00000008",
        identifier: null,
        request: "request-8",
        abandonedBy: "pia",
        abandonedAt: at,
      },
    ],
    keys: new Map(),
    acceptances: [],
  };
}

/** One golden path that takes anything, where a test is not about golden paths. */
const anyPath: GoldenPaths = {
  list: () =>
    ["bucket", "postgres", "topic"].map((type) => ({
      type,
      version: 1,
      title: type,
      description: type,
      classes: {},
      defaultClass: null,
      parameters: { type: "object" },
      tiers: {
        staging: {
          provider: "aws",
          kind: "AWS::S3::Bucket",
          defaults: {},
          outputs: { arn: "its ARN" },
          monthlyPrice: null,
        },
      },
    })),
  resolve: ({ request, name }) => ({
    ok: true,
    definition: {
      type: request.type,
      version: 1,
      class: null,
      parameters: request.parameters ?? {},
      overrides: request.overrides ?? null,
      provider: "aws",
      kind: "AWS::S3::Bucket",
      properties: { BucketName: name, ...request.parameters },
      externalName: name,
      outputs: { arn: "${attributes.Arn}", url: "${attributes.Url}" },
      protected: false,
      monthlyPrice: null,
    },
  }),
  replacements: () => [],
};

const allowAll: Policy = {
  revision: "r1",
  wasmHash: "0".repeat(64),
  evaluate: () => ({ allow: true, violations: [], warnings: [], inputHash: "1".repeat(64) }),
};

export type Sent = {
  method?: string;
  path: string;
  query?: string;
  headers?: { [name: string]: string };
  /** Sent as JSON text, unless it is text already. */
  body?: Json | string;
  claims?: JsonObject | null;
  /** Sent with SigV4 instead of a token, as this principal. */
  userArn?: string;
  base64?: boolean;
};

export type Answer = { status: number; headers: { [name: string]: string }; body: JsonObject; text: string };

type Options = { state?: FakeState; accept?: AcceptIntent; deps?: Partial<ApiDeps> };

/** The API behind events as API Gateway makes them, over a store in memory. */
export function harness({ state = seeded(), accept = acceptIntent, deps = {} }: Options = {}) {
  let made = 1000;
  const log: LogEntry[] = [];
  const store = fakeApiStore(state);
  const api = createApi(
    {
      store,
      goldenPaths: anyPath,
      policy: allowAll,
      executions: { start: async () => "started" },
      newId: () => idOf(made++),
      now: () => 1_795_000_000,
      log: (entry) => log.push(entry),
      ...deps,
    },
    { acceptIntent: accept },
  );
  const handler = eventHandler(api);
  const send = async (sent: Sent): Promise<Answer> => {
    const result = await handler(eventOf(sent));
    const text = result.isBase64Encoded ? Buffer.from(result.body, "base64").toString() : result.body;
    const json = /json/.test(result.headers["content-type"] ?? "") && text !== "";
    return { status: result.statusCode, headers: result.headers, body: json ? JSON.parse(text) : {}, text };
  };
  return { api, send, state, store, log };
}

export const tokens = {
  viewer: { sub: "vera", role: "viewer", team: "payments" },
  developer: { sub: "dora", role: "developer", team: "payments" },
  platform: { sub: "pia", role: "platform" },
  stranger: { sub: "sam", role: "developer", team: "search" },
} satisfies { [name: string]: JsonObject };

export function eventOf({
  method = "GET",
  path,
  query = "",
  headers = {},
  body,
  claims = tokens.developer,
  userArn,
  base64 = false,
}: Sent): GatewayEvent {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const json = body === undefined || "content-type" in headers ? {} : { "content-type": "application/json" };
  return {
    rawPath: path,
    rawQueryString: query,
    headers: { ...json, ...headers },
    body: text === undefined || !base64 ? text : Buffer.from(text).toString("base64"),
    isBase64Encoded: base64,
    requestContext: {
      domainName: "api.example",
      requestId: "request-1",
      http: { method },
      authorizer: userArn !== undefined ? { iam: { userArn } } : claims === null ? undefined : { jwt: { claims } },
    },
  };
}

export const ordersIntent = {
  action: "apply",
  team: "payments",
  service: "orders",
  environment: "staging",
  resources: { db: { type: "postgres" } },
} satisfies JsonObject;

export function sendIntent(body: Json | string, more: Partial<Sent> = {}): Sent {
  return { method: "POST", path: "/v1/intents", headers: { "idempotency-key": "key-1" }, body, ...more };
}
