import jsonata from "jsonata";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { pointersMatching } from "../../aws-schemas/pointers.ts";
import type { Json, JsonObject } from "../cloud/json.ts";
import { isObject } from "../cloud/json.ts";

/**
 * The model as the service keeps it: identifiers in the case it keeps them in. Other transforms of the schemas tell which
 * forms of a value are equal (patterns, alternatives), not which one the service writes.
 */
export async function asTheServiceKeepsIt(schema: AwsSchema, model: JsonObject): Promise<JsonObject> {
  const kept = structuredClone(model);
  for (const [pattern, expression] of Object.entries(schema.propertyTransform ?? {})) {
    if (!/^\$(lowercase|uppercase)\([\w.]+\)$/.test(expression)) continue;
    for (const pointer of pointersMatching(kept, pattern)) await rewrite(kept, pointer, expression);
  }
  return kept;
}

async function rewrite(model: JsonObject, pointer: string, expression: string): Promise<void> {
  const parts = pointer.split("/").slice(1);
  const member = parts.pop() ?? "";
  let parent: Json | undefined = model;
  for (const part of parts)
    parent = Array.isArray(parent) ? parent[Number(part)] : isObject(parent) ? parent[part] : undefined;
  if (!isObject(parent) || typeof parent[member] !== "string") return;
  // Names in an expression start at the model, or for a list's items at the property's own object.
  const transform = jsonata(expression);
  const result: unknown = (await transform.evaluate(model)) ?? (await transform.evaluate(parent));
  if (typeof result === "string") parent[member] = result;
}
