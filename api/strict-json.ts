import type { FieldError } from "../core/field-error.ts";
import { type Json, pointerTo } from "../core/json.ts";

/** Deeper than any provider's properties, and shallow enough for every recursive reader behind it. */
export const maxDepth = 32;

/** Names that plain objects already answer to: a value under one of them would be lost or would change others. */
export const reserved: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export type StrictJson = { ok: true; value: Json } | { ok: false; errors: FieldError[] };

/**
 * Parses JSON and refuses what `JSON.parse` would quietly lose or what a store behind it cannot keep: a member given
 * twice (the first would vanish), reserved names, numbers that a double cannot hold, U+0000 and lone surrogates
 * (Postgres takes neither), and nesting beyond `maxDepth`. Each fault comes with the pointer of its field.
 */
export function parseStrictJson(text: string): StrictJson {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, errors: [{ pointer: "", message: `malformed JSON${whereIn(text, error)}` }] };
  }
  const errors = faultsOf(text);
  return errors.length === 0 ? { ok: true, value } : { ok: false, errors };
}

type Level = { pointer: string; kind: "object" | "array"; keys: Set<string>; next: string | number };

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/** One pass over the tokens of a text that is known to be JSON. Not recursive, so depth cannot hurt it. */
function faultsOf(text: string): FieldError[] {
  const errors: FieldError[] = [];
  const levels: Level[] = [];
  let expectKey = false;
  for (const [word] of text.matchAll(token)) {
    const level = levels.at(-1);
    const here = level === undefined ? "" : pointerTo(level.pointer, level.next);
    if (word === "{" || word === "[") {
      if (levels.length === maxDepth) {
        errors.push({ pointer: here, message: `nested deeper than ${maxDepth} levels` });
        return errors;
      }
      levels.push({
        pointer: here,
        kind: word === "{" ? "object" : "array",
        keys: new Set(),
        next: word === "{" ? "" : 0,
      });
      expectKey = word === "{";
    } else if (word === "}" || word === "]") {
      levels.pop();
      expectKey = false;
    } else if (word === ",") {
      if (level?.kind === "array") level.next = Number(level.next) + 1;
      expectKey = level?.kind === "object";
    } else if (word === ":") {
      expectKey = false;
    } else if (expectKey && level !== undefined) {
      level.next = String(JSON.parse(word));
      const message = faultOfKey(level);
      if (message !== null) errors.push({ pointer: pointerTo(level.pointer, level.next), message });
      level.keys.add(level.next);
    } else {
      const message = word.startsWith('"') ? faultOfText(String(JSON.parse(word))) : faultOfNumber(word);
      if (message !== null) errors.push({ pointer: here, message });
    }
    if (errors.length >= 100) break;
  }
  return errors;
}

function faultOfKey({ keys, next }: Level): string | null {
  const key = String(next);
  if (reserved.has(key)) return `${key} is reserved and cannot be a field`;
  if (keys.has(key)) return "given more than once";
  return faultOfText(key);
}

function faultOfText(text: string): string | null {
  if (text.includes("\u0000")) return "must not contain the character U+0000";
  if (!text.isWellFormed()) return "must not contain half of a surrogate pair";
  return null;
}

function faultOfNumber(word: string): string | null {
  const number = Number(word);
  if (Number.isNaN(number)) return null; // true, false, null
  if (!Number.isFinite(number)) return "is too large for a number";
  if (Number.isInteger(number) && !Number.isSafeInteger(number))
    return "is too large to be kept exactly; send it as a string";
  return null;
}

/** Where a parse failed, as line and column, without repeating what was sent. */
function whereIn(text: string, error: unknown): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return text.trim() === "" ? ": the body is empty" : "";
  const lines = text.slice(0, Number(position)).split("\n");
  return ` at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
