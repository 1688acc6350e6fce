import { describe, expect, it } from "vitest";
import type { Access } from "../../api/access.ts";
import { openApiDocument } from "../../api/openapi.ts";
import type { JsonObject } from "../../core/json.ts";
import { type Answer, harness, ids, ordersIntent, type Sent, tokens } from "./harness.ts";

type Operation = { operationId: string; "x-cairn-access"?: Access; parameters?: { name: string; in: string }[] };
type Route = { method: string; path: string; operation: Operation };

const document = openApiDocument(harness().api);
const routes: Route[] = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
  Object.entries(methods as { [method: string]: Operation }).map(([method, operation]) => ({
    method,
    path,
    operation,
  })),
);
const guarded = routes.filter(({ path }) => path.startsWith("/v1/"));

/** Payments' own object behind each `{id}`. */
const idBehind: { [path: string]: string } = {
  "/v1/intents/{id}": ids.intent,
  "/v1/decisions/{id}": ids.decision,
  "/v1/drift/reports/{id}": ids.report,
  "/v1/resources/{id}/retry": ids.failed,
};

const bodies: { [operation: string]: JsonObject } = {
  sendIntent: ordersIntent,
  putTeam: {},
  putService: {},
  putEnvironment: { tier: "staging" },
  verifyResource: {},
  retryResource: {},
  abandonResource: {},
  putBreaker: { state: "OPEN" },
};

/** A request about payments' objects, whoever sends it. */
function aboutPayments({ method, path, operation }: Route, claims: JsonObject): Sent {
  const body = bodies[operation.operationId];
  const takesTeam =
    operation.parameters?.some((parameter) => parameter.in === "query" && parameter.name === "team") ?? false;
  return {
    method: method.toUpperCase(),
    path: path
      .replace("{id}", idBehind[path] ?? ids.resource)
      .replace("{team}", "payments")
      .replace("{provider}", "aws")
      .replace("breakers/{service}", "breakers/AWS::MSK")
      .replace("{service}", "orders")
      .replace("{environment}", "staging")
      .replace("{type}", "bucket"),
    query: takesTeam ? "team=payments" : "",
    headers: { "idempotency-key": "key-1" },
    ...(body === undefined ? {} : { body }),
    claims,
  };
}

const listsOwn = (answer: Answer) => Array.isArray(answer.body.items) && answer.body.nextCursor === null;

describe("every route says in the contract who may call it", () => {
  it.each(guarded)("$method $path", ({ operation }) => {
    expect(operation["x-cairn-access"]?.roles.length).toBeGreaterThan(0);
  });

  it("and there are as many routes as this test believes", () => {
    expect(guarded.length).toBe(26);
  });
});

const roles = ["viewer", "developer", "platform"] as const;
const matrix = guarded.flatMap((route) =>
  roles.flatMap((role) =>
    (role === "platform" ? ["payments"] : ["payments", "search"]).map((team) => ({ ...route, role, team })),
  ),
);

describe("each route × role × own or another team", () => {
  it.each(matrix)("$method $path as $role of $team", async (cell) => {
    const { send, store } = harness();
    const claims = cell.role === "platform" ? tokens.platform : { sub: "someone", role: cell.role, team: cell.team };
    const access = cell.operation["x-cairn-access"];
    const answer = await send(aboutPayments(cell, claims));

    if (!access?.roles.includes(cell.role)) {
      expect(answer.status).toBe(403);
      expect(store.calls).toEqual([]);
    } else if (access.objects === "team" && cell.role !== "platform" && cell.team === "search") {
      // A list that takes no team shows the caller's own, which is nothing here.
      if (answer.status === 200) expect(listsOwn(answer)).toBe(true);
      else expect(answer.status).toBe(404);
      expect(answer.text).not.toMatch(/orders|payments/);
    } else {
      expect(answer.status, answer.text).toBeLessThan(300);
    }
  });

  it.each(guarded)("$method $path without a token is 401", async (route) => {
    const { send, store } = harness();
    const answer = await send({ ...aboutPayments(route, {}), claims: null });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
    expect(store.calls).toEqual([]);
  });
});

describe("claims", () => {
  it.each([
    { reason: "no sub", claims: { role: "developer", team: "payments" } },
    { reason: "an empty sub", claims: { sub: "", role: "developer", team: "payments" } },
    { reason: "a sub with a line break", claims: { sub: "a\nb", role: "developer", team: "payments" } },
    { reason: "no role", claims: { sub: "a", team: "payments" } },
    { reason: "an unknown role", claims: { sub: "a", role: "admin", team: "payments" } },
    { reason: "a role in another case", claims: { sub: "a", role: "Platform", team: "payments" } },
    { reason: "a role that every object has", claims: { sub: "a", role: "constructor", team: "payments" } },
    {
      reason: "several roles as the gateway hands on a list",
      claims: { sub: "a", role: "[viewer platform]", team: "payments" },
    },
    { reason: "a developer without a team", claims: { sub: "a", role: "developer" } },
    { reason: "a viewer with an empty team", claims: { sub: "a", role: "viewer", team: "" } },
    { reason: "a team that is no name", claims: { sub: "a", role: "developer", team: "Payments!" } },
    { reason: "the platform with a team that is no name", claims: { sub: "a", role: "platform", team: "'" } },
  ] as { reason: string; claims: JsonObject }[])("with $reason are 403", async ({ claims }) => {
    const { send, store } = harness();
    const answer = await send({ path: "/v1/teams", claims });
    expect(answer.status).toBe(403);
    expect(store.calls).toEqual([]);
  });

  it("need no team for the platform role", async () => {
    expect((await harness().send({ path: "/v1/teams", claims: tokens.platform })).status).toBe(200);
  });
});
