import { createRoute, z } from "@hono/zod-openapi";
import { readTeam } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { readReply } from "../etag.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { notFound } from "../problem.ts";
import { id, name } from "../schemas/common.ts";
import { driftReport, driftReportWithItems, finding } from "../schemas/drift.ts";
import { requireSight } from "../team-asked.ts";
import { conditional, guarded, reads } from "./describe.ts";

const tags = ["Drift"];

const listReports = createRoute({
  method: "get",
  path: "/v1/drift/reports",
  operationId: "listDriftReports",
  tags,
  summary: "The drift reports, counted over what the caller may see",
  ...guarded(readTeam),
  request: { query: z.strictObject(pageQuery), headers: conditional.get },
  responses: reads(pageOf(driftReport, "DriftReportPage"), "A page."),
});

const getReport = createRoute({
  method: "get",
  path: "/v1/drift/reports/{id}",
  operationId: "getDriftReport",
  tags,
  summary: "One drift report, with its findings",
  ...guarded(readTeam),
  request: { params: z.object({ id }), query: z.strictObject({}), headers: conditional.get },
  responses: reads(driftReportWithItems, "The report.", "not-found"),
});

const listFindings = createRoute({
  method: "get",
  path: "/v1/drift/findings",
  operationId: "listDriftFindings",
  tags,
  summary: "What differs from what was asked for",
  ...guarded(readTeam),
  request: {
    query: z.strictObject({
      team: name
        .optional()
        .openapi({ description: "The token's team when left out; every team's for the platform role." }),
      service: name.optional(),
      environment: name.optional(),
      type: name.optional(),
      resource: id.optional().openapi({ description: "A resource's id." }),
      resolved: z.enum(["true", "false"], "must be true or false").optional(),
      ...pageQuery,
    }),
    headers: conditional.get,
  },
  responses: reads(pageOf(finding, "FindingPage"), "A page.", "not-found"),
});

const reportCursors = cursorsOf("reports", "id");
const findingCursors = cursorsOf("findings", "id");

export function driftRoutes(api: Api, { store }: ApiDeps): void {
  api.openapi(listReports, async (c) => {
    const page = reportCursors.request(c.req.valid("query"));
    return readReply(c, reportCursors.page(await store.driftReports(scopeOf(c.get("caller")), page)));
  });

  api.openapi(getReport, async (c) => {
    const found = await store.driftReport(scopeOf(c.get("caller")), c.req.valid("param").id);
    if (found === null) throw notFound("there is no drift report with this id", "id");
    return readReply(c, found);
  });

  api.openapi(listFindings, async (c) => {
    const caller = c.get("caller");
    const { limit, cursor, resolved, ...filter } = c.req.valid("query");
    if (filter.team !== undefined) requireSight(caller, filter.team);
    const asked = { ...filter, resolved: resolved === undefined ? undefined : resolved === "true" };
    const page = await store.findings(scopeOf(caller), asked, findingCursors.request({ limit, cursor }));
    return readReply(c, findingCursors.page(page));
  });
}
