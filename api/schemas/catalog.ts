import { z } from "@hono/zod-openapi";
import type { Breaker, DecisionView, Environment, Orphan, Service, Target, Team } from "../../core/catalog.ts";
import { id, jsonObject, orRequired, price, tier, time } from "./common.ts";

const stamps = { createdAt: time, updatedAt: time };

/** One line that people read: no control characters, so that it is safe in a terminal and a tag. */
const line = (longest: number) =>
  z
    .string("must be text")
    .min(1, "must not be empty")
    .max(longest, `must be at most ${longest} characters`)
    .refine((text) => !/\p{Cc}/u.test(text), "must not contain control characters")
    .nullable()
    .optional();

export const teamBody = z
  .strictObject({
    name: line(200).openapi({ example: "Payments" }),
    contact: line(200).openapi({ example: "payments@example.com" }),
  })
  .openapi("TeamFields", { description: "What is left out is cleared." });
export const team = z
  .object({ team: z.string(), name: z.string().nullable(), contact: z.string().nullable(), ...stamps })
  .openapi("Team") satisfies z.ZodType<Team>;

export const serviceBody = z
  .strictObject({ description: line(1000) })
  .openapi("ServiceFields", { description: "What is left out is cleared." });
export const service = z
  .object({ team: z.string(), service: z.string(), description: z.string().nullable(), ...stamps })
  .openapi("Service") satisfies z.ZodType<Service>;

export const environmentBody = z.strictObject({ tier }).openapi("EnvironmentFields");
export const environment = z
  .object({ environment: z.string(), tier, ...stamps })
  .openapi("Environment") satisfies z.ZodType<Environment>;

export const breaker = z
  .object({
    service: z.string().openapi({ example: "AWS::MSK" }),
    state: z.enum(["CLOSED", "OPEN", "HALF_OPEN"]),
    failures: z.int().openapi({ description: "In a row." }),
    lastError: z.string().nullable(),
    retryAt: time.nullable().openapi({ description: "When the next operation is let through to see." }),
    heldBy: z
      .string()
      .nullable()
      .openapi({ description: "Who opened it by hand; it stays open until closed by hand." }),
    changedAt: time,
  })
  .openapi("Breaker", {
    description:
      "Lets nothing through to a service that does not answer, but one operation now and then that finds out.",
  }) satisfies z.ZodType<Breaker>;
export const breakerBody = z
  .strictObject({ state: z.enum(["OPEN", "CLOSED"], orRequired("must be OPEN or CLOSED")) })
  .openapi("BreakerFields");

export const orphan = z
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
    provider: z.string(),
    kind: z.string(),
    externalName: z.string(),
    identifier: z.string().nullable(),
    request: z.string().nullable().openapi({ description: "The provider's handle of the request that was in flight." }),
    abandonedBy: z.string(),
    abandonedAt: time,
  })
  .openapi("Orphan", {
    description: "What may be left outside of a resource whose record was given up.",
  }) satisfies z.ZodType<Orphan>;

export const target = z
  .object({
    environment: z.string(),
    provider: z.string(),
    config: jsonObject.openapi({
      description:
        "Account, region, cluster, …; the role and secrets that Cairn gets in by are shown to the platform role alone.",
    }),
    budget: z.object({ requestsPerSecond: z.number(), burst: z.number(), available: z.number() }).openapi({
      description: "Calls that Cairn may make there; `available` is below 0 while a debt is paid off.",
    }),
    backlog: z.object({ budget: z.int(), breaker: z.int() }).openapi({
      description: "Operations of what the caller may see that wait for the budget, or for a breaker.",
    }),
    driftHalted: z.object({ since: time, report: id }).nullable().openapi({
      description:
        "Since when looks for drift do not find so much there that none of it is believed, and the last report that says so.",
    }),
    breakers: z.array(breaker).openapi({ description: "Of the services that have failed, or were set by hand." }),
    ...stamps,
  })
  .openapi("Target", {
    description: "Where an environment's resources of one provider live.",
  }) satisfies z.ZodType<Target>;

export const decision = z
  .object({
    id,
    team: z.string(),
    intentId: id.nullable(),
    allow: z.boolean(),
    policyRevision: z.string(),
    wasmHash: z.string(),
    inputHash: z.string(),
    violations: z.array(jsonObject),
    warnings: z.array(jsonObject),
    createdAt: time,
  })
  .openapi("Decision") satisfies z.ZodType<DecisionView>;

const hint = price.unwrap().extend({ source: z.string(), date: z.string() });
const inTier = z
  .object({
    provider: z.string(),
    kind: z.string(),
    defaults: jsonObject,
    outputs: z.record(z.string(), z.string()),
    monthlyPrice: z.record(z.string(), hint).nullable(),
  })
  .optional();

export const resourceType = z
  .object({
    type: z.string(),
    version: z.int(),
    title: z.string(),
    description: z.string(),
    classes: z.record(z.string(), z.object({ description: z.string() })),
    defaultClass: z.string().nullable(),
    parameters: jsonObject.openapi({ description: "JSON Schema." }),
    tiers: z.object({ development: inTier, staging: inTier, production: inTier }),
  })
  .openapi("ResourceType");
