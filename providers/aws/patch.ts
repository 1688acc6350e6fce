import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { type TagsProperty, tagsProperty } from "../../aws-schemas/resource-model.ts";
import { isObject, type Json, type JsonObject, pointerTo } from "../../core/json.ts";
import type { Difference } from "../../core/provider.ts";
import { coveredBy } from "./schema-path.ts";
import { tagsOf, toTags } from "./tags.ts";

export type PatchOperation = { op: "add" | "replace"; path: string; value: Json };

/**
 * The smallest RFC 6902 patch that ends these differences. A list is replaced as a whole, because an index means nothing
 * in a list whose order AWS does not keep; tags that others added stay. Write-only properties are not in what AWS
 * patches, so all of them are added again, or the update would take them away.
 */
export function patchFor(
  schema: AwsSchema,
  desired: JsonObject,
  actual: JsonObject,
  differences: readonly Difference[],
): PatchOperation[] {
  const tags = tagsProperty(schema);
  const operations = new Map<string, PatchOperation>();
  for (const { pointer } of differences) {
    const operation = operationAt(desired, actual, pointer.split("/").slice(1), tags);
    operations.set(operation.path, operation);
  }
  for (const operation of writeOnly(schema, desired, actual)) {
    if (!isWithin(operation.path, operations)) operations.set(operation.path, operation);
  }
  return [...operations.values()];
}

function operationAt(
  desired: Json,
  actual: Json | undefined,
  segments: readonly string[],
  tags: TagsProperty | undefined,
  path = "",
): PatchOperation {
  const [segment, ...rest] = segments;
  const member = (segment ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
  const wanted = isObject(desired) ? (desired[member] ?? null) : desired;
  const found = isObject(actual) ? actual[member] : undefined;
  const at = `${path}/${segment ?? ""}`;
  if (tags !== undefined && at === tags.pointer) {
    return { op: found === undefined ? "add" : "replace", path: at, value: mergedTags(tags, wanted, found) };
  }
  const goesOn = rest.length > 0 && isObject(wanted) && isObject(found);
  if (goesOn) return operationAt(wanted, found, rest, tags, at);
  return { op: found === undefined ? "add" : "replace", path: at, value: wanted };
}

/** Ours over what is there. `aws:` tags are AWS's own, and sending them back is refused. */
function mergedTags(form: TagsProperty, wanted: Json, found: Json | undefined): Json {
  const ours = tagsOf(form, wanted);
  const theirs = [...tagsOf(form, found)].filter(([key]) => !key.startsWith("aws:") && !ours.has(key));
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
