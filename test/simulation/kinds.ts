import type { AwsSchema, PropertySchema } from "../../aws-schemas/aws-schema.ts";
import type { Definition, GoldenPaths } from "../../core/definition.ts";
import { hashOf, type Json, type JsonObject } from "../../core/json.ts";
import { derivedName } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";

/**
 * Three kinds, for the three ways in which a cloud can lose what it made:
 * `named`: its name is its identifier and unique, so a second create is refused (a bucket);
 * `issued`: the cloud makes the identifier, and the name is unique all the same (a queue);
 * `made`: the cloud makes the identifier, the name is not unique, and no list shows it before it is done (a user pool).
 */
export const kinds = {
  "Sim::Store::Named": { identifier: "Name", unique: true },
  "Sim::Store::Issued": { identifier: "Id", unique: true },
  "Sim::Store::Made": { identifier: "Id", unique: false },
} as const;
export type Kind = keyof typeof kinds;

const types: { [type: string]: Kind } = {
  named: "Sim::Store::Named",
  issued: "Sim::Store::Issued",
  made: "Sim::Store::Made",
};
export const typeNames = Object.keys(types);

/** What the cloud refuses for good, as a service refuses a value that its schema lets through. */
export const refusedSize = 13;

const text: PropertySchema = { type: "string" };
const tag: PropertySchema = { type: "object", properties: { Key: text, Value: text } };

export function schemaOf(typeName: string): AwsSchema | undefined {
  if (!Object.hasOwn(kinds, typeName)) return undefined;
  const { identifier } = kinds[typeName as Kind];
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
    const kind = types[request.type];
    if (kind === undefined) return { ok: false, errors: [{ pointer: `${pointer}/type`, message: "no such type" }] };
    const { size = 1, uses = [], secret = null } = request.parameters ?? {};
    const externalName = derivedName(service, name, resourceId, { maxLength: 60, separator: "-" });
    const definition: Definition = {
      type: request.type,
      version: 1,
      class: null,
      parameters: { size, uses, ...(secret === null ? {} : { secret }) },
      overrides: null,
      provider: "aws",
      kind,
      properties: {
        Name: externalName,
        Size: size,
        Uses: uses,
        ...(secret === null ? {} : { Secret: secret }),
        Tags: [{ Key: "cairn:resource-id", Value: resourceId }],
      },
      externalName,
      outputs: { endpoint: "${attributes.Endpoint}" },
      protected: false,
      monthlyPrice: null,
    };
    return { ok: true, definition };
  },
  replacements: () => [],
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
