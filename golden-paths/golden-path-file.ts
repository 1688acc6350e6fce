import { z } from "zod";
import { tiers } from "../core/definition.ts";
import type { Json, JsonObject } from "../core/json.ts";

// The format of a golden path's YAML file. docs/golden-paths.md explains it to the people who write one.

const json: z.ZodType<Json> = z.json() as z.ZodType<Json>;
const jsonObject: z.ZodType<JsonObject> = z.record(z.string(), json);
const word = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/, "must be a word of letters and digits, beginning with a small letter");
const tier = z.enum(tiers as ["development", "staging", "production"]);

/** At least 16 characters, so that the id's eight and something readable fit. */
const alphabet = { maxLength: z.int().min(16).max(1024), separator: z.enum(["-", "_", ""]) };

const price = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, "must be an ISO 4217 code"),
  /** By class; `default` for a type without classes. */
  amounts: z.record(z.string(), z.number().min(0)),
  /** Where the rates were read and what the sum is made of. */
  source: z.string().min(1),
  date: z.iso.date(),
});

const variant = z.strictObject({
  tiers: z.array(tier).min(1),
  provider: word,
  kind: z.string().regex(/^[A-Za-z0-9]+(::[A-Za-z0-9]+)+$/, "must be a kind such as AWS::S3::Bucket"),
  name: z.strictObject({
    ...alphabet,
    /** The property that takes the derived name. */
    property: z.string().min(1),
    /** What the provider lets no name begin with. */
    reserved: z.array(z.string().min(1)).default([]),
  }),
  /** Further derived names in other alphabets, `${names.…}`. */
  names: z.record(word, z.strictObject(alphabet)).default({}),
  /** What of the target's configuration the template reads. An optional value that is not set leaves its property out. */
  target: z.strictObject({ required: z.array(word), optional: z.array(word) }),
  /** What each class means here, `${class.…}`. */
  classes: z.record(word, jsonObject).default({}),
  properties: jsonObject,
  /** Top-level properties that overrides may not touch, and why. */
  sealed: z.record(z.string(), z.string().min(1)).default({}),
  outputs: z.record(word, json),
  monthlyPrice: price.nullable(),
  /** For a kind whose provider publishes no schema: one in the form of AWS's. */
  schema: jsonObject.optional(),
});

export const goldenPathFile = z.strictObject({
  type: z.string().regex(/^[a-z][a-z0-9-]{0,38}[a-z0-9]$/, "must be small letters, digits and hyphens"),
  version: z.int().min(1),
  title: z.string().min(1),
  description: z.string().min(1),
  classes: z.record(word, z.strictObject({ description: z.string().min(1) })).default({}),
  defaultClass: word.nullable().default(null),
  /** JSON Schema of an object. */
  parameters: z.looseObject({
    type: z.literal("object"),
    additionalProperties: z.literal(false),
    properties: z.record(word, jsonObject),
    required: z.array(word).default([]),
  }),
  /** The boolean parameter that refuses a delete. */
  protection: word.nullable().default(null),
  /** What a parameter is where the request leaves it out, per tier; the schema's own `default` holds for every tier. */
  defaults: z.partialRecord(tier, jsonObject).default({}),
  /** Every variant has these outputs; the values describe them. */
  outputs: z.record(word, z.string().min(1)),
  variants: z.array(variant).min(1),
});

export type GoldenPathFile = z.infer<typeof goldenPathFile>;
export type Variant = GoldenPathFile["variants"][number];
