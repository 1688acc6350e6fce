import { createRoute, z } from "@hono/zod-openapi";
import { verifyResource } from "../../control/verify-resource.ts";
import { changeTeam, readTeam } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { readReply, writeReply } from "../etag.ts";
import { jsonBody } from "../json-body.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { badRequest, notFound, Problem } from "../problem.ts";
import { id, name } from "../schemas/common.ts";
import { resource, resourceEvent, resourceStatus, verification } from "../schemas/resource.ts";
import { teamOrAll } from "../team-asked.ts";
import { answers, body, conditional, guarded, reads, text } from "./describe.ts";

const params = z.object({ id });
const tags = ["Resources"];

const listResources = createRoute({
  method: "get",
  path: "/v1/resources",
  operationId: "listResources",
  tags,
  summary: "A team's resources, or every team's",
  description:
    "Sorted by id. What is deleted is left out unless `status=DELETED` asks for it. Across teams only `status` narrows the list.",
  ...guarded(readTeam),
  request: {
    query: z.strictObject({
      team: name
        .optional()
        .openapi({ description: "The token's team when left out; every team's for the platform role." }),
      service: name.optional(),
      environment: name.optional(),
      type: name.optional(),
      status: resourceStatus.optional(),
      ...pageQuery,
    }),
    headers: conditional.get,
  },
  responses: reads(pageOf(resource, "ResourcePage"), "A page.", "not-found"),
});

const getResource = createRoute({
  method: "get",
  path: "/v1/resources/{id}",
  operationId: "getResource",
  tags,
  summary: "One resource, with its outputs",
  ...guarded(readTeam),
  request: { params, query: z.strictObject({}), headers: conditional.get },
  responses: reads(resource, "The resource.", "not-found"),
});

const listResourceEvents = createRoute({
  method: "get",
  path: "/v1/resources/{id}/events",
  operationId: "listResourceEvents",
  tags,
  summary: "A resource's timeline",
  description: "Decisions, operations and drift, in words a developer understands, oldest first.",
  ...guarded(readTeam),
  request: { params, query: z.strictObject(pageQuery), headers: conditional.get },
  responses: reads(pageOf(resourceEvent, "ResourceEventPage"), "A page.", "not-found"),
});

const verify = createRoute({
  method: "post",
  path: "/v1/resources/{id}/verify",
  operationId: "verifyResource",
  tags,
  summary: "Look for drift now",
  ...guarded(changeTeam, jsonBody({ required: false })),
  request: {
    params,
    query: z.strictObject({}),
    body: { content: { "application/json": { schema: z.strictObject({}, "must be {}") } } },
  },
  responses: answers(
    { 202: body(verification, "The look has begun.", { Location: text("The drift report.") }) },
    "not-found",
    "not-ready",
    "too-large",
    "unsupported-media-type",
  ),
});

const resourceCursors = cursorsOf("resources", "id");
const eventCursors = cursorsOf("events", "id");

export function resourceRoutes(api: Api, deps: ApiDeps): void {
  const { store } = deps;

  api.openapi(listResources, async (c) => {
    const caller = c.get("caller");
    const { limit, cursor, team, ...filter } = c.req.valid("query");
    const asked = { ...filter, team: teamOrAll(caller, team) };
    if (asked.team === undefined) requireServed(filter);
    const page = await store.resources(scopeOf(caller), asked, resourceCursors.request({ limit, cursor }));
    return readReply(c, resourceCursors.page(page));
  });

  api.openapi(getResource, async (c) => {
    const found = await store.resource(scopeOf(c.get("caller")), c.req.valid("param").id);
    if (found === null) throw noResource();
    return readReply(c, found);
  });

  api.openapi(listResourceEvents, async (c) => {
    const page = eventCursors.request(c.req.valid("query"));
    const found = await store.resourceEvents(scopeOf(c.get("caller")), c.req.valid("param").id, page);
    if (found === null) throw noResource();
    return readReply(c, eventCursors.page(found));
  });

  api.openapi(verify, async (c) => {
    const caller = c.get("caller");
    const resourceId = c.req.valid("param").id;
    const result = await verifyResource(deps, caller, scopeOf(caller), resourceId);
    if (result.outcome === "not-found") throw noResource();
    if (result.outcome === "not-ready")
      throw new Problem("not-ready", "the resource is not READY; its own status says where it is");
    if (result.outcome === "too-many") {
      const detail =
        "as many looks at the team's objects as this target bears in a minute were asked for; the next scheduled one comes by itself";
      throw new Problem("unavailable", detail, {}, { "retry-after": "20" });
    }
    const started = { id: result.reportId, status: "RUNNING", resourceId };
    return writeReply(202, started, { location: `/v1/drift/reports/${result.reportId}` });
  });
}

/** No index narrows every team's resources by these: for the last match of a service a page would read a million rows. */
const withinTeam = ["service", "environment", "type"] as const;

function requireServed(filter: { [field in (typeof withinTeam)[number]]?: string | undefined }): void {
  const narrowing = withinTeam.filter((field) => filter[field] !== undefined);
  if (narrowing.length === 0) return;
  throw badRequest([{ pointer: "team", message: `is needed with ${narrowing.join(", ")}` }]);
}

function noResource(): Problem {
  return notFound("there is no resource with this id", "id");
}
