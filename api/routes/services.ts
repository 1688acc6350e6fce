import { createRoute, z } from "@hono/zod-openapi";
import { changeTeam, readTeam } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { checkPreconditions, putReply, readReply } from "../etag.ts";
import { jsonBody } from "../json-body.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { notFound } from "../problem.ts";
import { service, serviceBody } from "../schemas/catalog.ts";
import { name } from "../schemas/common.ts";
import { teamAsked } from "../team-asked.ts";
import { conditional, guarded, puts, reads } from "./describe.ts";

const params = z.object({ service: name });
const team = name
  .optional()
  .openapi({ example: "payments", description: "The token's team when left out; the platform role names it." });
const tags = ["Services"];

const listServices = createRoute({
  method: "get",
  path: "/v1/services",
  operationId: "listServices",
  tags,
  summary: "A team's services",
  ...guarded(readTeam),
  request: { query: z.strictObject({ team, ...pageQuery }), headers: conditional.get },
  responses: reads(pageOf(service, "ServicePage"), "A page, sorted by name.", "not-found"),
});

const getService = createRoute({
  method: "get",
  path: "/v1/services/{service}",
  operationId: "getService",
  tags,
  summary: "One service",
  ...guarded(readTeam),
  request: { params, query: z.strictObject({ team }), headers: conditional.get },
  responses: reads(service, "The service.", "not-found"),
});

const putService = createRoute({
  method: "put",
  path: "/v1/services/{service}",
  operationId: "putService",
  tags,
  summary: "Make or change a service",
  description: "A service also comes into being with its team's first intent for it.",
  ...guarded(changeTeam, jsonBody({ required: false })),
  request: {
    params,
    query: z.strictObject({ team }),
    headers: conditional.put,
    body: { content: { "application/json": { schema: serviceBody } } },
  },
  responses: puts(service, "not-found"),
});

const cursors = cursorsOf("services", "names");

export function serviceRoutes(api: Api, { store }: ApiDeps): void {
  api.openapi(listServices, async (c) => {
    const caller = c.get("caller");
    const { team: named, ...page } = c.req.valid("query");
    const found = await store.services(scopeOf(caller), teamAsked(caller, named), cursors.request(page));
    return readReply(c, cursors.page(found));
  });

  api.openapi(getService, async (c) => {
    const caller = c.get("caller");
    const asked = teamAsked(caller, c.req.valid("query").team);
    const found = await store.service(scopeOf(caller), asked, c.req.valid("param").service);
    if (found === null) throw notFound("the team has no such service", "service");
    return readReply(c, found);
  });

  api.openapi(putService, async (c) => {
    const caller = c.get("caller");
    const scope = scopeOf(caller);
    const asked = teamAsked(caller, c.req.valid("query").team);
    const named = c.req.valid("param").service;
    const { description = null } = c.req.valid("json");
    await checkPreconditions(c, () => store.service(scope, asked, named));
    const put = await store.putService(scope, caller, asked, named, { description });
    if (put === null)
      throw notFound("there is no such team; the platform role makes it with PUT /v1/teams/{team}", "team");
    return putReply(c, put.created, service, put.service);
  });
}
