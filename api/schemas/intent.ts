import { z } from "@hono/zod-openapi";
import type { ResourceRequest } from "../../core/definition.ts";
import type { Intent, IntentView } from "../../core/intent.ts";
import { canonicalJson, type JsonObject, pointerTo } from "../../core/json.ts";
import { namePattern } from "../../core/names.ts";
import type { Plan } from "../../core/plan.ts";
import { findReferences, strayTemplates } from "../../core/reference.ts";
import { reserved } from "../strict-json.ts";
import { id, json, jsonObject, name, orRequired, price, violation } from "./common.ts";

export const maxResources = 100;

/** A definition may weigh 32 KiB, and it holds all of its request. */
const maxRequestBytes = 32 * 1024;

const resourceRequest = z
  .strictObject(
    {
      type: name.openapi({ description: "A golden path of `GET /v1/resource-types`.", example: "postgres" }),
      version: z.int("must be a whole number").min(1, "must be 1 or more").max(9999, "is unknown").optional().openapi({
        description: "Of the golden path; the newest when left out.",
      }),
      class: name.optional().openapi({ description: "One of the type's classes.", example: "small" }),
      parameters: jsonObject.optional().openapi({ description: "The type's own, as its JSON Schema says." }),
      overrides: jsonObject.optional().openapi({
        description:
          "A JSON merge patch on the provider's own properties, checked by the provider's schema and by policy.",
      }),
    },
    "must be an object",
  )
  .openapi("ResourceRequest");

const resources = z
  .record(name, resourceRequest, orRequired("must be an object of resources by name"))
  .refine((asked) => Object.keys(asked).length > 0, "must name at least one resource")
  .refine((asked) => Object.keys(asked).length <= maxResources, `must name at most ${maxResources} resources`)
  .superRefine((asked, context) => {
    for (const [resource, request] of Object.entries(asked)) {
      if (Buffer.byteLength(canonicalJson(request as JsonObject)) > maxRequestBytes) {
        context.addIssue({ code: "custom", path: [resource], message: "is larger than 32 KiB" });
      }
      for (const pointer of strayPointers(request)) {
        context.addIssue({
          code: "custom",
          path: [resource, ...pointer],
          message: "holds ${…} that is no ${resources.NAME.outputs.KEY}",
        });
      }
    }
  });

/** What a record's schema cannot say by itself. */
const named = { minProperties: 1, maxProperties: maxResources, propertyNames: { pattern: namePattern.source } };

const place = {
  team: name.openapi({ example: "payments" }),
  service: name,
  environment: name.openapi({ example: "staging" }),
};

const apply = z
  .strictObject({ action: z.literal("apply"), ...place, resources: resources.openapi(named) })
  .openapi("ApplyIntent");

const deletion = z
  .strictObject({
    action: z.literal("delete"),
    ...place,
    resources: z
      .record(name, z.strictObject({}, "must be {}"), "must be an object of resources by name")
      .refine((asked) => Object.keys(asked).length > 0, "must name at least one resource, or be left out to mean all")
      .refine((asked) => Object.keys(asked).length <= maxResources, `must name at most ${maxResources} resources`)
      .optional()
      .openapi({
        ...named,
        description: "Which to delete. Left out: everything that the service has in the environment, 250 at most.",
      }),
  })
  .openapi("DeleteIntent");

export const intentBody = z
  .discriminatedUnion("action", [apply, deletion], {
    error: ({ code, input }) => {
      if (code !== "invalid_union") return "must be an object";
      return (input as { action?: unknown }).action === undefined ? "is required" : "must be apply or delete";
    },
  })
  .openapi("Intent", {
    example: {
      action: "apply",
      team: "payments",
      service: "orders",
      environment: "staging",
      resources: {
        db: { type: "postgres", class: "small" },
        cache: { type: "redis", class: "small" },
        events: { type: "topic", parameters: { partitions: 6 } },
        files: { type: "bucket", overrides: { VersioningConfiguration: { Status: "Enabled" } } },
        "db-url": { type: "parameter", parameters: { value: "${resources.db.outputs.url}" } },
      },
    },
  });

/** The body as the use cases take it. */
export function toIntent(body: z.output<typeof intentBody>): Intent {
  if (body.action === "apply") return body;
  return { ...body, resources: body.resources === undefined ? null : Object.keys(body.resources) };
}

const intentStatus = z.enum(["PENDING", "SYNCING", "READY", "FAILED", "SUPERSEDED", "DELETED"]);

export const intentView = z
  .object({
    id,
    status: intentStatus,
    action: z.enum(["apply", "delete"]),
    team: z.string(),
    service: z.string(),
    environment: z.string(),
    decision: z.object({ id, warnings: z.array(violation) }),
    resources: z.array(
      z.object({ id, name: z.string(), type: z.string(), status: z.enum([...intentStatus.options, "DELETING"]) }),
    ),
  })
  .openapi("IntentView") satisfies z.ZodType<IntentView>;

export const plan = z
  .object({
    action: z.enum(["apply", "delete"]),
    team: z.string(),
    service: z.string(),
    environment: z.string(),
    allow: z.boolean(),
    violations: z.array(violation),
    warnings: z.array(violation),
    monthlyPrice: price,
    resources: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        version: z.int(),
        change: z.enum(["create", "update", "delete", "retry", "none"]),
        provider: z.string(),
        kind: z.string(),
        differences: z.array(z.object({ pointer: z.string(), before: json, after: json })),
        dependsOn: z.array(z.string()),
      }),
    ),
  })
  .openapi("Plan", { description: "What an intent would do, without doing it." }) satisfies z.ZodType<Plan>;

/** Paths, below the request, of text or of a member's name that holds `${` without being a reference that can be one. */
function strayPointers(request: ResourceRequest): string[][] {
  const value = request as JsonObject;
  const unnamed = findReferences(value).filter(({ name }) => !namePattern.test(name) || reserved.has(name));
  const pointers = new Set([
    ...strayTemplates(value),
    ...strayKeys(value, ""),
    ...unnamed.map(({ pointer }) => pointer),
  ]);
  return [...pointers].map((pointer) =>
    pointer
      .split("/")
      .slice(1)
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")),
  );
}

function strayKeys(value: unknown, pointer: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    ...(key.includes("${") ? [pointerTo(pointer, key)] : []),
    ...strayKeys(member, pointerTo(pointer, key)),
  ]);
}
