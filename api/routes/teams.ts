import { createRoute, z } from "@hono/zod-openapi";
import { changeShared, readTeam } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { checkPreconditions, putReply, readReply } from "../etag.ts";
import { jsonBody } from "../json-body.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { team, teamBody } from "../schemas/catalog.ts";
import { name } from "../schemas/common.ts";
import { noSuchTeam, requireSight } from "../team-asked.ts";
import { conditional, guarded, puts, reads } from "./describe.ts";

const params = z.object({ team: name.openapi({ example: "payments" }) });
const tags = ["Teams"];

const listTeams = createRoute({
  method: "get",
  path: "/v1/teams",
  operationId: "listTeams",
  tags,
  summary: "The teams that the caller sees",
  ...guarded(readTeam),
  request: { query: z.strictObject(pageQuery), headers: conditional.get },
  responses: reads(pageOf(team, "TeamPage"), "A page, sorted by name."),
});

const getTeam = createRoute({
  method: "get",
  path: "/v1/teams/{team}",
  operationId: "getTeam",
  tags,
  summary: "One team",
  ...guarded(readTeam),
  request: { params, query: z.strictObject({}), headers: conditional.get },
  responses: reads(team, "The team.", "not-found"),
});

const putTeam = createRoute({
  method: "put",
  path: "/v1/teams/{team}",
  operationId: "putTeam",
  tags,
  summary: "Make or change a team",
  ...guarded(changeShared, jsonBody({ required: false })),
  request: {
    params,
    query: z.strictObject({}),
    headers: conditional.put,
    body: { content: { "application/json": { schema: teamBody } } },
  },
  responses: puts(team),
});

const cursors = cursorsOf("teams", "names");

export function teamRoutes(api: Api, { store }: ApiDeps): void {
  api.openapi(listTeams, async (c) => {
    const page = cursors.request(c.req.valid("query"));
    return readReply(c, cursors.page(await store.teams(scopeOf(c.get("caller")), page)));
  });

  api.openapi(getTeam, async (c) => {
    const caller = c.get("caller");
    const asked = c.req.valid("param").team;
    requireSight(caller, asked);
    const found = await store.team(scopeOf(caller), asked);
    if (found === null) throw noSuchTeam();
    return readReply(c, found);
  });

  api.openapi(putTeam, async (c) => {
    const caller = c.get("caller");
    const scope = scopeOf(caller);
    const asked = c.req.valid("param").team;
    const { name: display = null, contact = null } = c.req.valid("json");
    await checkPreconditions(c, () => store.team(scope, asked));
    const put = await store.putTeam(scope, caller, asked, { name: display, contact });
    return putReply(c, put.created, team, put.team);
  });
}
