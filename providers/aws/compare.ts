import type { AwsSchema, PropertySchema } from "../../aws-schemas/aws-schema.ts";
import { type TagsProperty, tagsProperty } from "../../aws-schemas/resource-model.ts";
import { isObject, type Json, type JsonObject, pointerTo, sameJson } from "../../core/json.ts";
import type { Difference } from "../../core/provider.ts";
import { isRewriteOf, type Rewrites, rewritesOf } from "./rewrites.ts";
import { coveredBy, memberSchema, resolved } from "./schema-path.ts";
import { tagsOf } from "./tags.ts";

/** What comparing properties of one type with what was asked for needs to know. */
export type Comparison = { schema: AwsSchema; rewrites: Rewrites; tags: TagsProperty | undefined };

/**
 * What is not as wanted, compared the way AWS does: only what was asked for counts, so defaults that AWS fills in and
 * tags that others add do not; read-only and write-only properties never do, nor what AWS rewrites by its own
 * `propertyTransform`. Lists whose order AWS does not keep are compared as sets, policies as JSON.
 */
export async function differencesOf(schema: AwsSchema, desired: JsonObject, actual: JsonObject): Promise<Difference[]> {
  const context = await comparisonWith(schema, desired);
  return compareObjects(context, { properties: schema.properties }, desired, actual, "");
}

export async function comparisonWith(schema: AwsSchema, wanted: JsonObject): Promise<Comparison> {
  return { schema, rewrites: await rewritesOf(schema, wanted), tags: tagsProperty(schema) };
}

export function compare(
  context: Comparison,
  schema: PropertySchema,
  wanted: Json,
  found: Json | undefined,
  pointer: string,
): Difference[] {
  const actual = found ?? resolved(context.schema, schema).default ?? null;
  if (isRewriteOf(context.rewrites.get(pointer), actual)) return [];
  if (Array.isArray(wanted)) return compareLists(context, schema, wanted, actual, pointer);
  if (isObject(wanted) && isObject(actual)) return compareObjects(context, schema, wanted, actual, pointer);
  if (sameJson(wanted, actual) || (isEmpty(wanted) && isEmpty(actual))) return [];
  const [one, other] = [asDocument(wanted), asDocument(actual)];
  if (one !== undefined && other !== undefined && sameJson(one, other)) return [];
  return [{ pointer, expected: wanted, actual }];
}

function compareObjects(
  context: Comparison,
  schema: PropertySchema,
  wanted: JsonObject,
  actual: JsonObject,
  pointer: string,
): Difference[] {
  return Object.entries(wanted).flatMap(([key, value]) => {
    const at = pointerTo(pointer, key);
    const { readOnlyProperties, writeOnlyProperties } = context.schema;
    if (coveredBy(readOnlyProperties, at) || coveredBy(writeOnlyProperties, at)) return [];
    if (at === context.tags?.pointer) return compareTags(context.tags, value, actual[key]);
    return compare(context, memberSchema(context.schema, schema, key), value, actual[key], at);
  });
}

function compareLists(
  context: Comparison,
  schema: PropertySchema,
  wanted: Json[],
  actual: Json,
  pointer: string,
): Difference[] {
  const found = Array.isArray(actual) ? actual : [];
  const items = memberSchema(context.schema, schema, 0);
  const differences = (item: Json, index: number, other: Json | undefined) =>
    compare(context, items, item, other, pointerTo(pointer, index));
  const whole = [{ pointer, expected: wanted, actual }];

  if (resolved(context.schema, schema).insertionOrder !== false) {
    if (found.length !== wanted.length) return whole;
    return wanted.flatMap((item, index) => differences(item, index, found[index]));
  }
  const left = [...found];
  const missing = wanted.filter((item, index) => {
    const match = left.findIndex((other) => differences(item, index, other).length === 0);
    if (match >= 0) left.splice(match, 1);
    return match < 0;
  });
  const [item] = missing;
  // One item that became one other item: say what changed inside it.
  if (item !== undefined && missing.length === 1 && left.length === 1)
    return differences(item, wanted.indexOf(item), left[0]);
  return missing.length + left.length === 0 ? [] : whole;
}

/** By key, whatever the order; `aws:` tags and those that others added are theirs. */
function compareTags(form: TagsProperty, wanted: Json, found: Json | undefined): Difference[] {
  const actual = tagsOf(form, found);
  return [...tagsOf(form, wanted)].flatMap(([key, expected], index) => {
    const value = actual.get(key) ?? null;
    const pointer = form.shape === "map" ? pointerTo(form.pointer, key) : `${form.pointer}/${index}/${form.value}`;
    return value === expected ? [] : [{ pointer, expected, actual: value }];
  });
}

function isEmpty(value: Json): boolean {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  return Object.keys(value).length === 0;
}

/** A policy may be given as an object and come back as text, or be text in both with other spaces. */
function asDocument(value: Json): Json | undefined {
  if (typeof value !== "string") return isObject(value) || Array.isArray(value) ? value : undefined;
  if (!/^\s*[{[]/.test(value)) return undefined;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return undefined;
  }
}
