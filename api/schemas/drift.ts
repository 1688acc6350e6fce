import { z } from "@hono/zod-openapi";
import type { DriftReport, Finding } from "../../core/drift.ts";
import { id, json, time } from "./common.ts";

export const finding = z
  .object({
    id,
    resource: z.object({
      id,
      team: z.string(),
      service: z.string(),
      environment: z.string(),
      name: z.string(),
      type: z.string(),
    }),
    pointer: z
      .string()
      .openapi({ description: "Into the provider's own properties.", example: "/VersioningConfiguration/Status" }),
    expected: json,
    actual: json,
    detectedAt: time,
    resolvedAt: time.nullable(),
  })
  .openapi("Finding") satisfies z.ZodType<Finding>;

export const driftReport = z
  .object({
    id,
    status: z.enum(["RUNNING", "DONE"]),
    resourceId: id.nullable(),
    startedAt: time,
    finishedAt: time.nullable(),
    checked: z.int(),
    unreadable: z.int(),
    findings: z.int(),
    halted: z
      .array(z.object({ environment: z.string(), provider: z.string(), looked: z.int(), missing: z.int() }))
      .openapi({
        description:
          "Targets of which so much was not found at once that none of it is believed. What was `missing` there is no finding, and is looked for again.",
      }),
  })
  .openapi("DriftReport", {
    description: "One look, counted over what the caller may see. `unreadable` could not be seen, and changed nothing.",
  }) satisfies z.ZodType<DriftReport>;

export const driftReportWithItems = driftReport.extend({ items: z.array(finding) }).openapi("DriftReportWithFindings");
