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
