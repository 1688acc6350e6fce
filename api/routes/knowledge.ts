import { createRoute, z } from "@hono/zod-openapi";
import type { ResourceType } from "../../core/definition.ts";
import { readShared, readTeam } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { readReply } from "../etag.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { notFound } from "../problem.ts";
import { decision, resourceType } from "../schemas/catalog.ts";
import { id, name } from "../schemas/common.ts";
import { conditional, guarded, reads } from "./describe.ts";

const listTypes = createRoute({
  method: "get",
  path: "/v1/resource-types",
  operationId: "listResourceTypes",
  tags: ["Resource types"],
  summary: "The golden paths: what an intent may ask for",
  ...guarded(readShared),
  request: { query: z.strictObject(pageQuery), headers: conditional.get },
  responses: reads(pageOf(resourceType, "ResourceTypePage"), "A page, sorted by type and version."),
});

const getType = createRoute({
  method: "get",
  path: "/v1/resource-types/{type}",
  operationId: "getResourceType",
  tags: ["Resource types"],
  summary: "The newest version of one golden path",
  ...guarded(readShared),
  request: {
    params: z.object({ type: name.openapi({ example: "postgres" }) }),
    query: z.strictObject({}),
    headers: conditional.get,
  },
  responses: reads(resourceType, "The type.", "not-found"),
});

const getDecision = createRoute({
  method: "get",
  path: "/v1/decisions/{id}",
  operationId: "getDecision",
  tags: ["Decisions"],
  summary: "What policy said, about which input, under which revision",
  ...guarded(readTeam),
  request: { params: z.object({ id }), query: z.strictObject({}), headers: conditional.get },
  responses: reads(decision, "The decision.", "not-found"),
});

const cursors = cursorsOf("resource-types", "names");

/** What Cairn knows by heart, and what it has decided. */
export function knowledgeRoutes(api: Api, { goldenPaths, store }: ApiDeps): void {
  api.openapi(listTypes, async (c) => {
    const { limit, cursor } = cursors.request(c.req.valid("query"));
    const rest = sorted(goldenPaths.list()).filter((type) => cursor === null || keyOf(type) > cursor);
    const items = rest.slice(0, limit);
    const last = items.at(-1);
    const nextCursor = rest.length > limit && last !== undefined ? keyOf(last) : null;
    return readReply(c, cursors.page({ items, nextCursor }));
  });

  api.openapi(getType, async (c) => {
    const asked = c.req.valid("param").type;
    const newest = sorted(goldenPaths.list()).findLast(({ type }) => type === asked);
    if (newest === undefined) throw notFound("there is no such resource type", "type");
    return readReply(c, newest);
  });

  api.openapi(getDecision, async (c) => {
    const found = await store.decision(scopeOf(c.get("caller")), c.req.valid("param").id);
    if (found === null) throw notFound("there is no decision with this id", "id");
    return readReply(c, found);
  });
}

function sorted(types: ResourceType[]): ResourceType[] {
  return types.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** Versions padded, so that text order is their order. */
function keyOf({ type, version }: ResourceType): string {
  return `${type}@${String(version).padStart(4, "0")}`;
}
