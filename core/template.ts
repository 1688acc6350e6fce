import { isObject, type Json, mapStrings } from "./json.ts";

const expression = /\$\{([^{}]*)\}/g;

export type TemplateScope = { [name: string]: Json };

/** What a template reads is not there. `path` is the expression as written, `pointer` where it stands. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly path: string;
  readonly pointer: string;
  constructor(path: string, pointer: string) {
    super(`nothing is known as \${${path}}`);
    this.path = path;
    this.pointer = pointer;
  }
}

/**
 * Fills `${a.b.c}` from the scope, in one pass: what is filled in is not read again, so a value can never become a
 * template. A string that is one expression takes the value with its type; inside other text it is written as text.
 * Expressions whose first word is in `keep` stay as written.
 *
 * @throws {TemplateError} when the scope has no such value
 */
export function render(template: Json, scope: TemplateScope, keep: readonly string[] = []): Json {
  return mapStrings(template, (text, pointer) => {
    const whole = /^\$\{([^{}]*)\}$/.exec(text)?.[1];
    if (whole !== undefined) return keep.includes(firstWord(whole)) ? text : lookUp(scope, whole, pointer);
    return text.replaceAll(expression, (written, path: string) => {
      if (keep.includes(firstWord(path))) return written;
      const value = lookUp(scope, path, pointer);
      return typeof value === "string" ? value : JSON.stringify(value);
    });
  });
}

function firstWord(path: string): string {
  return path.split(".", 1)[0] ?? "";
}

function lookUp(scope: TemplateScope, path: string, pointer: string): Json {
  let value: Json | undefined = scope;
  for (const member of path.split(".")) {
    value = isObject(value) && Object.hasOwn(value, member) ? value[member] : undefined;
  }
  if (value === undefined) throw new TemplateError(path, pointer);
  return value;
}
