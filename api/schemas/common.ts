import { z } from "@hono/zod-openapi";
import type { Json } from "../../core/json.ts";
import { namePattern } from "../../core/names.ts";

/** What a schema says of a value of another type; of one that is not there at all, that it is missing. */
export function orRequired(message: string) {
  return { error: ({ input }: { input?: unknown }) => (input === undefined ? "is required" : message) };
}

/** A team's, service's, environment's or resource's name; also a type's and a class's. */
export const name = z
  .string(orRequired("must be text"))
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

export const tier = z.enum(
  ["development", "staging", "production"],
  orRequired("must be development, staging or production"),
);

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
