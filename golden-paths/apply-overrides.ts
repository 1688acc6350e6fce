import type { FieldError } from "../core/field-error.ts";
import { isObject, type Json, type JsonObject, mergePatch, pointerTo } from "../core/json.ts";
import type { Variant } from "./golden-path-file.ts";
import type { TagsForm } from "./kind-schema.ts";
import { mergeTags } from "./owner-tags.ts";

/** The template's properties with the caller's merged in, the derived name and the owner's tags on top. */
export function applyOverrides(
  variant: Variant,
  tags: TagsForm | null,
  rendered: JsonObject,
  externalName: string,
  owner: { [key: string]: string },
  overrides: JsonObject,
  pointer: string,
): { properties: JsonObject; errors: FieldError[] } {
  const errors = untouchable(variant, overrides, pointer);
  const merged = mergePatch(rendered, without(overrides, tags?.property)) as JsonObject;
  const named: JsonObject = { ...merged, [variant.name.property]: externalName };
  if (tags === null) return { properties: named, errors };

  const at = pointerTo(pointer, tags.property);
  const all = mergeTags(tags, owner, own(rendered, tags.property), own(overrides, tags.property), at);
  return { properties: { ...named, [tags.property]: all.tags }, errors: [...errors, ...all.errors] };
}

function untouchable(variant: Variant, overrides: JsonObject, pointer: string): FieldError[] {
  return Object.keys(overrides).flatMap((key) => {
    const at = pointerTo(pointer, key);
    if (key === variant.name.property) {
      return [{ pointer: at, message: "the name is derived from service, resource and id, and cannot be overridden" }];
    }
    return Object.hasOwn(variant.sealed, key)
      ? [{ pointer: at, message: `cannot be overridden: ${variant.sealed[key]}` }]
      : [];
  });
}

/**
 * Whose fault an invalid property is, as a pointer into the request: the override that set or removed it, else the
 * parameter or the class that the template puts there, else the type (its golden path, or the target it reads).
 */
export function blame(
  fault: string,
  request: { pointer: string; overrides: JsonObject; template: JsonObject },
): string {
  const parts = fault.split("/").slice(1);
  if (touches(request.overrides, parts)) return `${request.pointer}/overrides${fault}`;
  const read = readAt(request.template, parts);
  const parameter = /\$\{parameters\.([^.{}]+)\}/.exec(read)?.[1];
  if (parameter !== undefined) return pointerTo(`${request.pointer}/parameters`, parameter);
  return `${request.pointer}/${read.includes("${class.") ? "class" : "type"}`;
}

function touches(patch: Json, parts: readonly string[]): boolean {
  let found: Json | undefined = patch;
  for (const part of parts) {
    // A list, a text, a number or null replaces what was there, so all below it is the override's.
    if (!isObject(found)) return true;
    found = own(found, part.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (found === undefined) return false;
  }
  return true;
}

/** What the template has at this place, and below it where the fault is a whole list or object. */
function readAt(template: Json, parts: readonly string[]): string {
  let found: Json | undefined = template;
  for (const part of parts) {
    if (Array.isArray(found)) found = found[Number(part)];
    else if (isObject(found)) found = own(found, part);
    else break;
  }
  return found === undefined || found === template ? "" : JSON.stringify(found);
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function without(object: JsonObject, key: string | undefined): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
