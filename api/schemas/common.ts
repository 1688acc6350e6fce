import { z } from "@hono/zod-openapi";
import type { Json } from "../../core/json.ts";
import { namePattern } from "../../core/names.ts";

/** A team's, service's, environment's or resource's name; also a type's and a class's. */
export const name = z
  .string("must be text")
  .regex(namePattern, "must be 1 to 40 of a-z, 0-9 and -, begin with a letter and not end with -")
  .openapi({ example: "orders" });

/** Lower-case, as Cairn writes it. */
export const id = z
  .string()
  .regex(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/)
  .openapi({
    format: "uuid",
    description: "A UUIDv7.",
    example: "0192f3c1-7a10-7c3e-9a51-2b8e5d1f0a77",
  });

export const time = z.string().openapi({ format: "date-time", example: "2026-11-22T21:04:05.123456Z" });

/** Whatever JSON may be. What it may be here is up to the golden path, or to AWS's own schema. */
export const json = z.unknown().openapi({ description: "Any JSON value." }) as unknown as z.ZodType<Json>;

export const jsonObject = z.record(z.string(), json, "must be an object");

export const tier = z.enum(["development", "staging", "production"], "must be development, staging or production");

export const price = z.object({ amount: z.number(), currency: z.string() }).nullable();

export const violation = z
  .object({
    rule: z.string().openapi({ example: "public-exposure" }),
    resource: z.string().openapi({ example: "files" }),
    pointer: z.string().openapi({ example: "/resources/files/overrides/PublicAccessBlockConfiguration" }),
    message: z.string(),
    fix: z.string(),
  })
  .openapi("Violation");
