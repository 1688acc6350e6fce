import { createRoute, z } from "@hono/zod-openapi";
import { abandonResource } from "../../control/abandon-resource.ts";
import { retryResource } from "../../control/retry-resource.ts";
import { type Access, changeTeam, readTeam } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { readReply, writeReply } from "../etag.ts";
import { idempotencyKey } from "../idempotency-key.ts";
import { jsonBody } from "../json-body.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { notFound, Problem } from "../problem.ts";
import { orphan } from "../schemas/catalog.ts";
import { id, name } from "../schemas/common.ts";
import { abandonment, resource } from "../schemas/resource.ts";
import { requireSight } from "../team-asked.ts";
import { answers, body, conditional, guarded, reads, text } from "./describe.ts";

const tags = ["Resources"];
const asPlatform: Access = { roles: ["platform"], objects: "team" };
const request = {
  params: z.object({ id }),
  query: z.strictObject({}),
  headers: z.object({
    "Idempotency-Key": text("Accepted; a retry of either call changes nothing by itself.").optional(),
  }),
  body: { content: { "application/json": { schema: z.strictObject({}, "must be {}") } } },
};

const retry = createRoute({
  method: "post",
  path: "/v1/resources/{id}/retry",
  operationId: "retryResource",
  tags,
  summary: "Try a failed resource again",
  description: "Also one that was given up after five attempts. What was decided stands: policy is not asked again.",
  ...guarded(changeTeam, jsonBody({ required: false })),
  request,
  responses: answers(
    { 202: body(resource, "It is tried again.", { Location: text("The resource.") }) },
    "not-found",
    "not-failed",
    "too-large",
    "unsupported-media-type",
  ),
});

const abandon = createRoute({
  method: "post",
  path: "/v1/resources/{id}/abandon",
  operationId: "abandonResource",
  tags,
  summary: "Give up a resource's record, whatever becomes of its object",
  description: "Its name is free at once. What may be left outside is kept as an orphan.",
  ...guarded(asPlatform, jsonBody({ required: false })),
  request,
  responses: answers(
    { 200: body(abandonment, "The record is gone.") },
    "not-found",
    "conflict",
    "referenced",
    "too-large",
    "unsupported-media-type",
  ),
});

const listOrphans = createRoute({
  method: "get",
  path: "/v1/orphans",
  operationId: "listOrphans",
  tags,
  summary: "What may be left outside of resources that were given up",
  ...guarded(readTeam),
  request: {
    query: z.strictObject({
      team: name
        .optional()
        .openapi({ description: "The token's team when left out; every team's for the platform role." }),
      ...pageQuery,
    }),
    headers: conditional.get,
  },
  responses: reads(pageOf(orphan, "OrphanPage"), "A page, sorted by id.", "not-found"),
});

const cursors = cursorsOf("orphans", "id");

/** What people do when Cairn cannot go on by itself. */
export function peopleRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(retry, async (c) => {
    idempotencyKey(c);
    const caller = c.get("caller");
    const scope = scopeOf(caller);
    const resourceId = c.req.valid("param").id;
    const result = await retryResource(deps, caller, scope, resourceId);
    if (result.outcome === "not-failed") {
      const message = `names a resource that is ${result.status}; only one that is FAILED can be tried again`;
      throw new Problem("not-failed", `id ${message}`, { errors: [{ pointer: "id", message }] });
    }
    const found = result.outcome === "not-found" ? null : await deps.store.resource(scope, resourceId);
    if (found === null) throw noResource();
    return writeReply(202, found, { location: `/v1/resources/${resourceId}` });
  });

  api.openapi(abandon, async (c) => {
    idempotencyKey(c);
    const caller = c.get("caller");
    const resourceId = c.req.valid("param").id;
    const result = await abandonResource(deps, caller, scopeOf(caller), resourceId);
    switch (result.outcome) {
      case "not-found":
        throw noResource();
      case "gone": {
        const message = "names a resource that is DELETED: there is no record to give up";
        throw new Problem("conflict", `id ${message}`, { errors: [{ pointer: "id", message }] });
      }
      case "referenced": {
        const { by, more } = result;
        const users = `${by.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
        const message = `names a resource that is used by ${users}: abandon or delete them first`;
        throw new Problem("referenced", `id ${message}`, { errors: [{ pointer: "id", message }], by, more });
      }
      case "abandoned":
        return writeReply(200, { id: resourceId, orphan: result.orphan });
    }
  });

  api.openapi(listOrphans, async (c) => {
    const caller = c.get("caller");
    const { team, ...page } = c.req.valid("query");
    if (team !== undefined) requireSight(caller, team);
    const found = await deps.store.orphans(scopeOf(caller), team ?? null, cursors.request(page));
    return readReply(c, cursors.page(found));
  });
}

function noResource(): Problem {
  return notFound("there is no resource with this id", "id");
}
