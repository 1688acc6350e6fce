import type { ResolveInput } from "../core/definition.ts";
import type { FieldError } from "../core/field-error.ts";
import { isObject, type Json, type JsonObject, mergePatch, pointerTo } from "../core/json.ts";
import type { TagsForm } from "./kind-schema.ts";

/** Keys that begin so are Cairn's: they say whose an object is, and an interrupted create is found again by them. */
export const ownerTagPrefix = "cairn:";

export function ownerTags(input: ResolveInput): { [key: string]: string } {
  return {
    "cairn:team": input.team,
    "cairn:service": input.service,
    "cairn:environment": input.environment,
    "cairn:resource-id": input.resourceId,
  };
}

type Merged = { tags: Json; errors: FieldError[] };

/**
 * Tags in a provider's form: the caller's (from `overrides`), the template's, and the owner's, which nobody replaces.
 * A JSON merge patch would replace a whole list, so lists are merged by key. The caller's come first and keep their
 * order, so that a pointer into `overrides` is a pointer into the result.
 *
 * @param pointer where the caller's tags stand
 */
export function mergeTags(
  form: TagsForm,
  owner: { [key: string]: string },
  template: Json | undefined,
  wanted: Json | undefined,
  pointer: string,
): Merged {
  return form.shape === "list"
    ? mergeList(form, owner, template, wanted, pointer)
    : mergeMap(owner, template, wanted, pointer);
}

function mergeList(
  form: { key: string; value: string },
  owner: { [key: string]: string },
  template: Json | undefined,
  wanted: Json | undefined,
  pointer: string,
): Merged {
  if (wanted !== undefined && !Array.isArray(wanted)) {
    return {
      tags: [],
      errors: [{ pointer, message: `must be a list of { ${form.key}, ${form.value} }; the owner's tags stay` }],
    };
  }
  const theirs = wanted ?? [];
  const keys = theirs.map((tag) => keyOf(tag, form.key));
  const errors = keys.flatMap((key, index): FieldError[] => {
    const at = `${pointerTo(pointer, index)}/${form.key}`;
    if (key?.startsWith(ownerTagPrefix)) return [reserved(at)];
    return key !== null && keys.indexOf(key) < index ? [{ pointer: at, message: "is there twice" }] : [];
  });
  const ours = (Array.isArray(template) ? template : []).filter((tag) => !keys.includes(keyOf(tag, form.key)));
  const owned = Object.entries(owner).map(([key, value]) => ({ [form.key]: key, [form.value]: value }));
  return { tags: [...theirs, ...ours, ...owned], errors };
}

function mergeMap(
  owner: { [key: string]: string },
  template: Json | undefined,
  wanted: Json | undefined,
  pointer: string,
): Merged {
  if (wanted !== undefined && !isObject(wanted)) {
    return { tags: {}, errors: [{ pointer, message: "must be an object; the owner's tags stay" }] };
  }
  const errors = Object.keys(wanted ?? {})
    .filter((key) => key.startsWith(ownerTagPrefix))
    .map((key) => reserved(pointerTo(pointer, key)));
  return { tags: { ...(mergePatch(template ?? {}, wanted ?? {}) as JsonObject), ...owner }, errors };
}

function keyOf(tag: Json, member: string): string | null {
  const key = isObject(tag) && Object.hasOwn(tag, member) ? tag[member] : null;
  return typeof key === "string" ? key : null;
}

function reserved(pointer: string): FieldError {
  return { pointer, message: `tags that begin with ${ownerTagPrefix} name the owner and cannot be set` };
}
