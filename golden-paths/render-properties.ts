import { isObject, type Json, type JsonObject } from "../core/json.ts";
import { render, type TemplateScope } from "../core/template.ts";

/**
 * A template filled in. What renders to null is left out, and so is an object or a list that this leaves empty: an
 * optional parameter that nobody set takes its property, and its property's wrapping, with it.
 */
export function renderProperties(template: JsonObject, scope: TemplateScope): JsonObject {
  const rendered = withoutNulls(render(template, scope));
  return isObject(rendered) ? rendered : {};
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) {
    const kept = value.map(withoutNulls).filter((item) => item !== null);
    return kept.length === 0 && value.length > 0 ? null : kept;
  }
  if (!isObject(value)) return value;
  const members = Object.entries(value);
  const kept = members
    .map(([key, member]) => [key, withoutNulls(member)] as const)
    .filter(([, member]) => member !== null);
  return kept.length === 0 && members.length > 0 ? null : Object.fromEntries(kept);
}
