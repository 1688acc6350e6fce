import type { AwsSchema, PropertySchema } from "../../aws-schemas/aws-schema.ts";
import { pointersMatching } from "../../aws-schemas/pointers.ts";
import type { TagsProperty } from "../../aws-schemas/resource-model.ts";
import { atPointer, isObject, type Json, type JsonObject, mapStrings, pointerTo, sameJson } from "../../core/json.ts";
import type { Difference } from "../../core/provider.ts";
import { findReferences, mayHaveBecome } from "../../core/reference.ts";
import { type Comparison, compare, comparisonWith } from "./compare.ts";
import { coveredBy, memberSchema, resolved } from "./schema-path.ts";
import { tagsOf } from "./tags.ts";

type Search = Comparison & {
  /** What no update can take away: AWS's own properties, and those whose change is a replacement. */
  fixed: string[];
};

/** One place in what was asked for, what is asked for now, and what AWS shows. */
type Place = { schema: PropertySchema; was: Json; wanted: Json | undefined; found: Json | undefined; pointer: string };

/**
 * What an earlier generation asked for, `desired` no longer does, and AWS still shows as it was asked for. What has
 * another value by now is AWS's default or somebody else's, and stays. `expected` is null: it has to go.
 */
export async function leftoversOf(
  schema: AwsSchema,
  applied: readonly JsonObject[],
  desired: JsonObject,
  actual: JsonObject,
): Promise<Difference[]> {
  const { readOnlyProperties = [], createOnlyProperties = [] } = schema;
  const fixed = [...readOnlyProperties, ...createOnlyProperties].flatMap((path) => pointersMatching(actual, path));
  const leftovers = new Map<string, Difference>();
  for (const properties of applied) {
    const was = withReferencesGuessed(properties, actual);
    const search = { ...(await comparisonWith(schema, was)), fixed };
    const place = { schema: { properties: schema.properties }, was, wanted: desired, found: actual, pointer: "" };
    for (const leftover of inValue(search, place)) leftovers.set(leftover.pointer, leftover);
  }
  return [...leftovers.values()];
}

function inValue(search: Search, place: Place): Difference[] {
  const { was, wanted, found } = place;
  if (isObject(was) && isObject(wanted) && isObject(found)) return inObject(search, { ...place, was, wanted, found });
  if (Array.isArray(was) && Array.isArray(wanted) && Array.isArray(found)) {
    return inList(search, { ...place, was, wanted, found });
  }
  return [];
}

function inObject(
  search: Search,
  { schema, was, wanted, found, pointer }: Place & { was: JsonObject; wanted: JsonObject; found: JsonObject },
): Difference[] {
  const { readOnlyProperties, writeOnlyProperties, createOnlyProperties } = search.schema;
  return Object.entries(was).flatMap(([key, value]) => {
    const at = pointerTo(pointer, key);
    const never = [readOnlyProperties, writeOnlyProperties, createOnlyProperties];
    if (found[key] === undefined || never.some((paths) => coveredBy(paths, at))) return [];
    if (at === search.tags?.pointer) return inTags(search.tags, value, wanted[key], found[key]);
    const place = { was: value, wanted: wanted[key], found: found[key], pointer: at };
    const member = memberSchema(search.schema, schema, key);
    return wanted[key] === undefined
      ? ifStillThere(search, { ...place, found: found[key], schema: member })
      : inValue(search, { ...place, schema: member });
  });
}

function ifStillThere(search: Search, place: Place & { found: Json }): Difference[] {
  const { schema, was, found, pointer } = place;
  if (isDefault(search.schema, schema, found) || compare(search, schema, was, found, pointer).length > 0) return [];
  const holdsFixed = search.fixed.some((fixed) => fixed.startsWith(`${pointer}/`));
  return holdsFixed ? inValue(search, { ...place, wanted: {} }) : [{ pointer, expected: null, actual: found }];
}

/** Inside items: whether a list has the right ones, and how many, is told by comparing it with what is wanted. */
function inList(
  search: Search,
  {
    schema,
    was,
    wanted,
    found,
    pointer,
  }: Omit<Place, "was" | "wanted" | "found"> & { [name in "was" | "wanted" | "found"]: Json[] },
): Difference[] {
  const items = memberSchema(search.schema, schema, 0);
  const ordered = resolved(search.schema, schema).insertionOrder !== false;
  const isAs = (value: Json, other: Json, at: string) => compare(search, items, value, other, at).length === 0;
  // An item that is still wanted as it stands explains itself.
  const changed = was.filter((item) => !wanted.some((other) => sameJson(item, other)));
  return wanted.flatMap((item, index) => {
    const at = pointerTo(pointer, index);
    const now = ordered ? found[index] : found.find((other) => isAs(item, other, at));
    if (now === undefined || (ordered && found.length !== wanted.length)) return [];
    const before =
      ordered && was.length === wanted.length
        ? was.slice(index, index + 1)
        : changed.filter((other) => isAs(other, now, at));
    return before.flatMap((other) =>
      inValue(search, { schema: items, was: other, wanted: item, found: now, pointer: at }),
    );
  });
}

/** By key; the pointer is where AWS shows the tag. */
function inTags(form: TagsProperty, was: Json, wanted: Json | undefined, found: Json | undefined): Difference[] {
  const actual = tagsOf(form, found);
  const keys = [...actual.keys()];
  const stays = tagsOf(form, wanted);
  return [...tagsOf(form, was)].flatMap(([key, value]) => {
    if (stays.has(key) || actual.get(key) !== value) return [];
    const pointer = pointerTo(form.pointer, form.shape === "map" ? key : keys.indexOf(key));
    return [{ pointer, expected: null, actual: value }];
  });
}

/** Taken away it would come back as it is. */
function isDefault(schema: AwsSchema, part: PropertySchema, value: Json): boolean {
  const known = resolved(schema, part).default;
  if (known !== undefined) return sameJson(known, value);
  const members = isObject(value) ? Object.entries(value) : [];
  return (
    members.length > 0 && members.every(([key, member]) => isDefault(schema, memberSchema(schema, part, key), member))
  );
}

/** A reference whose value is no longer known may have stood for what is there now. */
function withReferencesGuessed(was: JsonObject, actual: JsonObject): JsonObject {
  return mapStrings(was, (text, pointer) => {
    if (findReferences(text).length === 0) return text;
    const found = atPointer(actual, pointer);
    return found !== undefined && mayHaveBecome(text, found) ? found : text;
  }) as JsonObject;
}
