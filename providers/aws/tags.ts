import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { type TagsProperty, tagsProperty } from "../../aws-schemas/resource-model.ts";
import { atPointer, isObject, type Json, type JsonObject } from "../../core/json.ts";

/** By this tag an object is ours or somebody else's. */
export const ownerTag = "cairn:resource-id";

/** Tags by key, whichever of AWS's two forms they have: a list of `{ Key, Value }`, or an object. */
export function tagsOf(form: TagsProperty, tags: Json | undefined): Map<string, Json> {
  if (isObject(tags)) return new Map(Object.entries(tags));
  if (form.shape === "map" || !Array.isArray(tags)) return new Map();
  return new Map(
    tags.flatMap((tag): [string, Json][] => (isObject(tag) ? [[String(tag[form.key]), tag[form.value] ?? ""]] : [])),
  );
}

export function toTags(form: TagsProperty, tags: Iterable<[string, Json]>): Json {
  if (form.shape === "map") return Object.fromEntries(tags);
  return [...tags].map(([key, value]) => ({ [form.key]: key, [form.value]: value }));
}

/** The owner an object's tags name; null where they name none. */
export function ownerIn(schema: AwsSchema, model: JsonObject): Json {
  const form = tagsProperty(schema);
  return form === undefined ? null : (tagsOf(form, atPointer(model, form.pointer)).get(ownerTag) ?? null);
}

/**
 * `other`: its owner tag names another resource; `untagged`: it has none although it must have had one from the start.
 * Kinds without tags are told apart by their derived name, which holds a part of the resource's id.
 */
export function ownerOf(schema: AwsSchema, desired: JsonObject, actual: JsonObject): "ours" | "other" | "untagged" {
  const wanted = ownerIn(schema, desired);
  const found = ownerIn(schema, actual);
  if (wanted === null || found === wanted) return "ours";
  if (found !== null) return "other";
  return schema.tagging?.tagOnCreate === false ? "ours" : "untagged";
}
