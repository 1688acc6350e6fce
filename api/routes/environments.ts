import { createRoute, z } from "@hono/zod-openapi";
import { changeShared, readShared } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { checkPreconditions, putReply, readReply } from "../etag.ts";
import { jsonBody } from "../json-body.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { notFound, Problem } from "../problem.ts";
import { environment, environmentBody } from "../schemas/catalog.ts";
import { name } from "../schemas/common.ts";
import { conditional, guarded, puts, reads } from "./describe.ts";

const params = z.object({ environment: name.openapi({ example: "staging" }) });
const tags = ["Environments"];

const listEnvironments = createRoute({
  method: "get",
  path: "/v1/environments",
  operationId: "listEnvironments",
  tags,
  summary: "The environments",
  ...guarded(readShared),
  request: { query: z.strictObject(pageQuery), headers: conditional.get },
  responses: reads(pageOf(environment, "EnvironmentPage"), "A page, sorted by name."),
});

const getEnvironment = createRoute({
  method: "get",
  path: "/v1/environments/{environment}",
  operationId: "getEnvironment",
  tags,
  summary: "One environment",
  ...guarded(readShared),
  request: { params, query: z.strictObject({}), headers: conditional.get },
  responses: reads(environment, "The environment.", "not-found"),
});

const putEnvironment = createRoute({
  method: "put",
  path: "/v1/environments/{environment}",
  operationId: "putEnvironment",
  tags,
  summary: "Make an environment, or change its tier while nothing lives in it",
  ...guarded(changeShared, jsonBody({ required: true })),
  request: {
    params,
    query: z.strictObject({}),
    headers: conditional.put,
    body: { required: true, content: { "application/json": { schema: environmentBody } } },
  },
  responses: puts(environment, "conflict"),
});

const cursors = cursorsOf("environments", "names");

export function environmentRoutes(api: Api, { store }: ApiDeps): void {
  api.openapi(listEnvironments, async (c) => {
    const page = cursors.request(c.req.valid("query"));
    return readReply(c, cursors.page(await store.environments(scopeOf(c.get("caller")), page)));
  });

  api.openapi(getEnvironment, async (c) => {
    const found = await store.environment(scopeOf(c.get("caller")), c.req.valid("param").environment);
    if (found === null) throw notFound("there is no such environment", "environment");
    return readReply(c, found);
  });

  api.openapi(putEnvironment, async (c) => {
    const caller = c.get("caller");
    const scope = scopeOf(caller);
    const asked = c.req.valid("param").environment;
    const { tier } = c.req.valid("json");
    await checkPreconditions(c, () => store.environment(scope, asked));
    const put = await store.putEnvironment(scope, caller, asked, { tier });
    if (put === "tier-in-use") {
      const message = "cannot change while resources live in the environment";
      throw new Problem("conflict", `tier ${message}`, { errors: [{ pointer: "/tier", message }] });
    }
    return putReply(c, put.created, environment, put.environment);
  });
}
