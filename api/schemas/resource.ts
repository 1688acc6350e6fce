import { z } from "@hono/zod-openapi";
import { providerCodePattern, type ReasonCode, type Resource, type ResourceEvent } from "../../core/resource.ts";
import { id, jsonObject, time } from "./common.ts";

const reasonCodes = [
  "NEEDS_ATTENTION",
  "DEPENDENCY_FAILED",
  "PROVIDER_REJECTED",
  "PROVIDER_THROTTLED",
  "PROVIDER_UNAVAILABLE",
  "WAITING_FOR_DEPENDENCY",
  "WAITING_FOR_PREVIOUS_CHANGE",
  "ABANDONED",
] as const satisfies readonly ReasonCode[];

export const resourceStatus = z.enum(
  ["PENDING", "SYNCING", "READY", "FAILED", "DELETING", "DELETED"],
  "must be PENDING, SYNCING, READY, FAILED, DELETING or DELETED",
);

export const resource = z
  .object({
    id,
    team: z.string(),
    service: z.string(),
    environment: z.string(),
    name: z.string(),
    type: z.string(),
    version: z.int(),
    class: z.string().nullable(),
    parameters: jsonObject,
    overrides: jsonObject.nullable(),
    provider: z.string(),
    status: resourceStatus,
    generation: z.int(),
    outputs: jsonObject.openapi({ description: "Never holds a secret; `secretArn` points at one." }),
    reason: z
      .object({
        code: z.enum(reasonCodes),
        message: z.string(),
        retryAt: time.nullable(),
        providerCode: z.string().regex(providerCodePattern).optional().openapi({
          description: "The provider's own code, where it is behind the reason.",
          example: "ACCESS_DENIED",
        }),
      })
      .nullable()
      .openapi({ description: "Why it is where it is; `retryAt` when Cairn goes on by itself." }),
    external: z.object({ identifier: z.string() }).nullable(),
    createdAt: time,
    updatedAt: time,
  })
  .openapi("Resource") satisfies z.ZodType<Resource>;

export const resourceEvent = z
  .object({ id, at: time, event: z.string(), actor: z.string(), message: z.string(), detail: jsonObject })
  .openapi("ResourceEvent") satisfies z.ZodType<ResourceEvent>;

export const verification = z
  .object({ id, status: z.literal("RUNNING"), resourceId: id })
  .openapi("Verification", { description: "The drift report that will hold what the look finds." });

export const abandonment = z
  .object({ id, orphan: z.string().nullable().openapi({ description: "An orphan's id." }) })
  .openapi("Abandonment", { description: "The record is gone; `orphan` names what may be left outside." });
