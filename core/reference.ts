import { type Json, mapStrings } from "./json.ts";
import { render } from "./template.ts";

/** A use of another resource's output: `${resources.NAME.outputs.KEY}`, found at `pointer`. */
export type Reference = { name: string; key: string; pointer: string };

const reference = /\$\{resources\.([^.{}]*)\.outputs\.([^.{}]*)\}/g;

/** Every reference in a value, in document order. */
export function findReferences(value: Json, pointer = ""): Reference[] {
  const found: Reference[] = [];
  mapStrings(
    value,
    (text, at) => {
      for (const [, name = "", key = ""] of text.matchAll(reference)) found.push({ name, key, pointer: at });
      return text;
    },
    pointer,
  );
  return found;
}

/** Pointers of strings that hold `${` without being a reference: nothing else may be written by a caller. */
export function strayTemplates(value: Json, pointer = ""): string[] {
  const stray: string[] = [];
  mapStrings(
    value,
    (text, at) => {
      if (text.replaceAll(reference, "").includes("${")) stray.push(at);
      return text;
    },
    pointer,
  );
  return stray;
}

/** The value as policy sees it: a string that holds a reference becomes `{ "ref": text }`, since its value is not known. */
export function withReferencesMarked(value: Json): Json {
  return mapStrings(value, (text) => (text.search(reference) >= 0 ? { ref: text } : text));
}

/** Whether a text that holds references may have become this value; one that is a reference alone, any value. */
export function mayHaveBecome(text: string, value: Json): boolean {
  // No text holds U+0000: the database refuses it.
  const [first = "", ...between] = text.replaceAll(reference, "\0").split("\0");
  const last = between.pop();
  if (last === undefined) return text === value;
  if (first + last === "" && between.length === 0) return true;
  if (typeof value !== "string" || !value.startsWith(first)) return false;
  let at = first.length;
  for (const part of between) {
    const found = value.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return value.endsWith(last) && at + last.length <= value.length;
}

/**
 * The value with every reference filled in.
 *
 * @param outputs each referenced resource's outputs, by name
 * @throws {TemplateError} when an output is not there
 */
export function withReferencesResolved(value: Json, outputs: { [name: string]: { [key: string]: Json } }): Json {
  const resources = Object.fromEntries(Object.entries(outputs).map(([name, known]) => [name, { outputs: known }]));
  return render(value, { resources });
}
