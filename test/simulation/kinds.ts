import type { AwsSchema, PropertySchema } from "../../aws-schemas/aws-schema.ts";
import type { Definition, GoldenPaths } from "../../core/definition.ts";
import { hashOf, type Json, type JsonObject } from "../../core/json.ts";
import { derivedName } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";

/**
 * Three kinds of `AWS::*`, for the three ways in which a cloud can lose what it made:
 * `named`: its name is its identifier and unique, so a second create is refused (a bucket);
 * `issued`: the cloud makes the identifier, and the name is unique all the same (a queue);
 * `made`: the cloud makes the identifier, the name is not unique, and no list shows it before it is done (a user pool).
 */
export const awsKinds = {
  "Sim::Store::Named": { identifier: "Name", unique: true },
  "Sim::Store::Issued": { identifier: "Id", unique: true },
  "Sim::Pool::Made": { identifier: "Id", unique: false },
} as const;
export type AwsKind = keyof typeof awsKinds;

/** And `database`, of the other provider: made at once, but in steps, without tokens. */
export const kinds: { readonly [type: string]: AwsKind | "Postgres::Database" } = {
  named: "Sim::Store::Named",
  issued: "Sim::Store::Issued",
  made: "Sim::Pool::Made",
  database: "Postgres::Database",
};
export const typeNames = Object.keys(kinds);

/** What the provider refuses for good, as a service refuses a value that its schema lets through. */
export const refusedSize = 13;
/** What never comes up, however often it is asked for. */
export const poisonedSize = 14;

const text: PropertySchema = { type: "string" };
const tag: PropertySchema = { type: "object", properties: { Key: text, Value: text } };

export function schemaOf(typeName: string): AwsSchema | undefined {
  if (!Object.hasOwn(awsKinds, typeName)) return undefined;
  const { identifier } = awsKinds[typeName as AwsKind];
  return {
    typeName,
    properties: {
      Name: text,
      Id: text,
      Endpoint: text,
      Size: { type: "integer" },
      Uses: { type: "array", items: text },
      Secret: text,
      Tags: { type: "array", insertionOrder: false, items: tag },
    },
    primaryIdentifier: [`/properties/${identifier}`],
    readOnlyProperties: ["/properties/Id", "/properties/Endpoint"],
    writeOnlyProperties: ["/properties/Secret"],
    createOnlyProperties: ["/properties/Name"],
    tagging: { taggable: true, tagOnCreate: true, tagUpdatable: true, tagProperty: "/properties/Tags" },
    handlers: { create: {}, read: {}, update: {}, delete: {}, list: {} },
  };
}

/** Parameters are `size`, `uses` (references) and `secret`; the output `endpoint` changes with the size. */
export const goldenPaths: GoldenPaths = {
  list: () => [],
  resolve({ pointer, request, resourceId, service, name }) {
    const kind = kinds[request.type];
    if (kind === undefined) return { ok: false, errors: [{ pointer: `${pointer}/type`, message: "no such type" }] };
    const { size = 1, uses = [], secret = null } = request.parameters ?? {};
    const parameters = { size, uses, ...(secret === null ? {} : { secret }) };
    const common = { type: request.type, version: 1, class: null, parameters, overrides: null, kind };
    const named = (separator: "-" | "_") => derivedName(service, name, resourceId, { maxLength: 60, separator });
    const definition: Definition =
      kind === "Postgres::Database"
        ? {
            ...common,
            provider: "postgres",
            properties: { Database: named("_"), Role: named("_"), ConnectionLimit: size, Uses: uses },
            externalName: named("-"),
            outputs: { endpoint: "${attributes.Database}:${attributes.ConnectionLimit}" },
            protected: false,
            monthlyPrice: null,
          }
        : {
            ...common,
            provider: "aws",
            properties: {
              Name: named("-"),
              Size: size,
              Uses: uses,
              ...(secret === null ? {} : { Secret: secret }),
              Tags: [{ Key: "cairn:resource-id", Value: resourceId }],
            },
            externalName: named("-"),
            outputs: { endpoint: "${attributes.Endpoint}" },
            protected: false,
            monthlyPrice: null,
          };
    return { ok: true, definition };
  },
  // Another type is another kind of object.
  replacements: (before, after) => (before.kind === after.kind ? [] : ["/type"]),
};

/** Denies what says so, so that a denied definition that reaches the cloud is seen (law I7). */
export const policy: Policy = {
  revision: "simulation",
  wasmHash: "0".repeat(64),
  evaluate(input) {
    const denied = (input.resource.parameters as JsonObject).size === "denied";
    const violation = { rule: "denied", resource: input.resource.name, pointer: "", message: "denied", fix: "none" };
    return {
      allow: !denied,
      violations: denied ? [violation] : [],
      warnings: [],
      inputHash: hashOf(input as unknown as Json),
    };
  },
};
