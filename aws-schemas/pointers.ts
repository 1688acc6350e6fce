import { atPointer, isObject, type Json, type JsonObject, pointerTo, sameJson } from "../core/json.ts";

// Patterns are the schemas' own pointers, `/properties/Rules/*/Name`, or the same below the model, `/Rules/*/Name`. `*`
// stands for every item of a list or member of a map; schemas that forget it for a list (`/Rules/Name`) mean it too.

/** The pattern below a model: `/properties/Rules/*` becomes `/Rules/*`. No AWS type has a property `properties`. */
export function modelPattern(pattern: string): string {
  return pattern.startsWith("/properties/") ? pattern.slice("/properties".length) : pattern;
}

/** The pointers in this model that the pattern covers; what is not there is not listed. */
export function pointersMatching(model: Json, pattern: string): string[] {
  let found: { value: Json; pointer: string }[] = [{ value: model, pointer: "" }];
  for (const part of modelPattern(pattern).split("/").slice(1)) {
    found = found.flatMap((place) => stepInto(place, part.replaceAll("~1", "/").replaceAll("~0", "~")));
  }
  return found.map(({ pointer }) => pointer);
}

function stepInto(place: { value: Json; pointer: string }, part: string): { value: Json; pointer: string }[] {
  const { value, pointer } = place;
  if (Array.isArray(value)) {
    const items = value.map((item, index) => ({ value: item, pointer: pointerTo(pointer, index) }));
    if (part === "*") return items;
    return /^\d+$/.test(part)
      ? items.slice(Number(part), Number(part) + 1)
      : items.flatMap((item) => stepInto(item, part));
  }
  if (!isObject(value)) return [];
  const names = part === "*" ? Object.keys(value) : [part].filter((name) => Object.hasOwn(value, name));
  return names.map((name) => ({ value: value[name] as Json, pointer: pointerTo(pointer, name) }));
}

/** Whether the pointer is covered by the pattern, or lies below what it covers. */
export function isCovered(pointer: string, pattern: string): boolean {
  const parts = pointer.split("/").slice(1);
  let at = 0;
  for (const wanted of modelPattern(pattern).split("/").slice(1)) {
    while (wanted !== "*" && parts[at] !== wanted && /^\d+$/.test(parts[at] ?? "")) at += 1;
    if (at >= parts.length || (wanted !== "*" && parts[at] !== wanted)) return false;
    at += 1;
  }
  return true;
}

/** A copy without what the patterns cover. A list keeps its length, but for items that are covered themselves. */
export function withoutProperties(model: JsonObject, patterns: readonly string[]): JsonObject {
  const covered = new Set(patterns.flatMap((pattern) => pointersMatching(model, pattern)));
  return covered.size === 0 ? model : (withoutPointers(model, covered, "") as JsonObject);
}

function withoutPointers(value: Json, covered: Set<string>, pointer: string): Json {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const at = pointerTo(pointer, index);
      return covered.has(at) ? [] : [withoutPointers(item, covered, at)];
    });
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const at = pointerTo(pointer, name);
      return covered.has(at) ? [] : [[name, withoutPointers(member, covered, at)]];
    }),
  );
}

/** The pointers covered by the patterns whose values differ between the two models, or that only one of them has. */
export function changedAt(before: JsonObject, after: JsonObject, patterns: readonly string[]): string[] {
  const pointers = new Set(
    patterns.flatMap((pattern) => [...pointersMatching(before, pattern), ...pointersMatching(after, pattern)]),
  );
  return [...pointers].filter((pointer) => {
    const [was, is] = [atPointer(before, pointer), atPointer(after, pointer)];
    return was === undefined || is === undefined ? was !== is : !sameJson(was, is);
  });
}
