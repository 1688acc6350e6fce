import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { type TagsProperty, tagsProperty } from "../../aws-schemas/resource-model.ts";
import { isObject, type Json, type JsonObject, pointerTo } from "../../core/json.ts";
import type { Difference } from "../../core/provider.ts";
import { coveredBy } from "./schema-path.ts";
import { tagsOf, toTags } from "./tags.ts";

export type PatchOperation = { op: "add" | "replace"; path: string; value: Json } | { op: "remove"; path: string };

/**
 * The smallest RFC 6902 patch that ends these differences. A list is replaced as a whole, because an index means nothing
 * in a list whose order AWS does not keep; tags that others added stay. Write-only properties are not in what AWS
 * patches, so all of them are added again, or the update would take them away; one that is no longer wanted is named by
 * adding and removing it, because nothing can be removed that AWS does not see.
 */
export function patchFor(
  schema: AwsSchema,
  desired: JsonObject,
  actual: JsonObject,
  differences: readonly Difference[],
): PatchOperation[] {
  const tags = tagsProperty(schema);
  const operations = new Map<string, PatchOperation>();
  const hidden = (pointer: string) => coveredBy(schema.writeOnlyProperties, pointer);
  const unwanted = differences.filter(({ expected }) => expected === null).map(({ pointer }) => pointer);
  for (const { pointer } of differences) {
    if (hidden(pointer)) continue;
    const operation = operationAt({ desired, actual, tags, unwanted }, pointer.split("/").slice(1));
    operations.set(operation.path, operation);
  }
  for (const operation of writeOnly(schema, desired, actual)) {
    if (!isWithin(operation.path, operations)) operations.set(operation.path, operation);
  }
  const taken = unwanted.filter(hidden).flatMap((path): PatchOperation[] => [
    { op: "add", path, value: "" },
    { op: "remove", path },
  ]);
  return [...operations.values(), ...taken];
}

type Change = { desired: Json; actual: Json | undefined; tags: TagsProperty | undefined; unwanted: readonly string[] };

function operationAt(change: Change, segments: readonly string[], path = ""): PatchOperation {
  const { desired, actual, tags, unwanted } = change;
  const [segment, ...rest] = segments;
  const member = (segment ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
  const wanted = isObject(desired) ? desired[member] : desired;
  const found = isObject(actual) ? actual[member] : undefined;
  const at = `${path}/${segment ?? ""}`;
  if (tags !== undefined && at === tags.pointer) {
    return { op: found === undefined ? "add" : "replace", path: at, value: mergedTags(tags, wanted, found, unwanted) };
  }
  const goesOn = rest.length > 0 && isObject(wanted) && isObject(found);
  if (goesOn) return operationAt({ ...change, desired: wanted, actual: found }, rest, at);
  if (wanted === undefined) return { op: "remove", path: at };
  return { op: found === undefined ? "add" : "replace", path: at, value: wanted };
}

/**
 * Ours over what is there, without those we no longer want. `aws:` tags are AWS's own, and sending them back is refused.
 */
function mergedTags(
  form: TagsProperty,
  wanted: Json | undefined,
  found: Json | undefined,
  unwanted: readonly string[],
): Json {
  const ours = tagsOf(form, wanted);
  const theirs = [...tagsOf(form, found)].filter(([key], index) => {
    const pointer = pointerTo(form.pointer, form.shape === "map" ? key : index);
    return !key.startsWith("aws:") && !ours.has(key) && !unwanted.includes(pointer);
  });
  return toTags(form, [...ours, ...theirs]);
}

function writeOnly(schema: AwsSchema, desired: JsonObject, actual: JsonObject, path = ""): PatchOperation[] {
  return Object.entries(desired).flatMap(([key, value]): PatchOperation[] => {
    const at = pointerTo(path, key);
    if (coveredBy(schema.writeOnlyProperties, at)) return [{ op: "add", path: at, value }];
    const found = actual[key];
    if (isObject(value)) return isObject(found) ? writeOnly(schema, value, found, at) : [];
    return [];
  });
}

function isWithin(path: string, operations: Map<string, PatchOperation>): boolean {
  return [...operations.keys()].some((other) => path === other || path.startsWith(`${other}/`));
}
