import { createHash } from "node:crypto";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * JSON text with the keys of every object sorted by code unit, so that equal values have equal text. A member that is
 * `undefined` is left out, as JSON does: what is stored and read again has the same text.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of the canonical JSON text, 64 lower-case hexadecimal digits. */
export function hashOf(value: Json): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

export function sameJson(one: Json, other: Json): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

/** RFC 7396: objects merge member by member, `null` removes a member, anything else replaces. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key) ?? null, value));
  }
  return Object.fromEntries(merged);
}

/** RFC 6901: the pointer of a member below another, its name escaped. */
export function pointerTo(parent: string, member: string | number): string {
  return `${parent}/${String(member).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The pointer, or where it is longer than that the one of the nearest place around that is not. */
export function pointerWithin(pointer: string, longest: number): string {
  return pointer.length <= longest ? pointer : pointer.slice(0, Math.max(0, pointer.lastIndexOf("/", longest)));
}

/** The value an RFC 6901 pointer names, `undefined` where there is none. */
export function atPointer(value: Json, pointer: string): Json | undefined {
  let found: Json | undefined = value;
  for (const part of pointer.split("/").slice(1)) {
    const member = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(found)) found = /^(0|[1-9]\d*)$/.test(member) ? found[Number(member)] : undefined;
    else if (isObject(found) && Object.hasOwn(found, member)) found = found[member];
    else return undefined;
  }
  return found;
}

/** The value with every string replaced by what `replace` makes of it; `pointer` says where the string stands. */
export function mapStrings(value: Json, replace: (text: string, pointer: string) => Json, pointer = ""): Json {
  if (typeof value === "string") return replace(value, pointer);
  if (Array.isArray(value)) return value.map((item, index) => mapStrings(item, replace, pointerTo(pointer, index)));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, mapStrings(member, replace, pointerTo(pointer, key))]),
  );
}
