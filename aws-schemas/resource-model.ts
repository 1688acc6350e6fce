import { atPointer, isObject, type Json, type JsonObject } from "../core/json.ts";
import type { AwsSchema, PropertySchema } from "./aws-schema.ts";
import { changedAt, modelPattern } from "./pointers.ts";

/** Cloud Control's identifier of an object: the values of its primary identifier joined by `|`; none while one is unknown. */
export function primaryIdentifierOf(schema: AwsSchema, model: JsonObject): string | undefined {
  const values = schema.primaryIdentifier.map((pointer) => atPointer(model, modelPattern(pointer)));
  if (!values.every((value) => typeof value === "string" || typeof value === "number")) return undefined;
  return values.join("|");
}

/** Pointers whose change AWS makes by replacing the object. `conditionalCreateOnlyProperties` are not among them. */
export function changedCreateOnly(before: JsonObject, after: JsonObject, schema: AwsSchema): string[] {
  return changedAt(before, after, schema.createOnlyProperties ?? []);
}

export type TagsProperty = { pointer: string } & ({ shape: "list"; key: string; value: string } | { shape: "map" });

/** Where the type keeps its tags: mostly a list of `{ Key, Value }` at `/Tags`. None for a type that takes no tags. */
export function tagsProperty(schema: AwsSchema): TagsProperty | undefined {
  if (schema.tagging?.taggable === false) return undefined;
  const pointer = modelPattern(schema.tagging?.tagProperty ?? "/properties/Tags");
  // A pointer with `*` (a launch template's specifications) tags what the object makes, not the object.
  const property = schema.properties[pointer.slice(1)];
  if (property === undefined) return undefined;
  const tags = resolveRef(schema, property);
  if (tags.items === undefined) return { pointer, shape: "map" };
  const names = Object.keys(resolveRef(schema, tags.items).properties ?? {});
  // Most say Key and Value, some key and value or TagKey and TagValue.
  const key = names.find((name) => /key$/i.test(name)) ?? "Key";
  const value = names.find((name) => /value$/i.test(name)) ?? "Value";
  return { pointer, shape: "list", key, value };
}

/** The model with the schema's defaults where it says nothing: on top, and inside objects that are there. */
export function withDefaults(schema: AwsSchema, model: JsonObject): JsonObject {
  return fill(schema, { properties: schema.properties }, model) as JsonObject;
}

function fill(schema: AwsSchema, part: PropertySchema, value: Json): Json {
  const { properties, items } = resolveRef(schema, part);
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => fill(schema, items, item));
  if (!isObject(value) || properties === undefined) return value;
  const filled = new Map(Object.entries(value));
  for (const [name, property] of Object.entries(properties)) {
    const given = filled.get(name) ?? resolveRef(schema, property).default;
    if (given !== undefined) filled.set(name, fill(schema, property, given));
  }
  return Object.fromEntries(filled);
}

/** What a `$ref` names; what is no reference stands for itself. */
export function resolveRef(schema: AwsSchema, part: PropertySchema): PropertySchema {
  let found: PropertySchema | undefined = part;
  // A reference may name a reference; AWS's longest chain is two.
  for (let hops = 0; found?.$ref !== undefined && hops < 8; hops += 1) {
    found = atPointer(schema as unknown as JsonObject, found.$ref.slice(1)) as PropertySchema | undefined;
  }
  return found ?? {};
}
