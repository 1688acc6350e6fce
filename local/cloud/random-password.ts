import { randomInt } from "node:crypto";
import { isObject, type JsonObject } from "./json.ts";

const lower = "abcdefghijklmnopqrstuvwxyz";
const upper = lower.toUpperCase();
const digits = "0123456789";
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/**
 * What `GenerateSecretString` asks for, with Secrets Manager's defaults (32 characters, every type at least once).
 *
 * @throws {RangeError} when the request cannot be met
 */
export function generateSecretString(request: JsonObject): string {
  const { SecretStringTemplate: template, GenerateStringKey: key } = request;
  if ((template === undefined) !== (key === undefined)) {
    throw new RangeError("SecretStringTemplate and GenerateStringKey go together");
  }
  const password = randomPassword(request);
  if (typeof template !== "string" || typeof key !== "string") return password;
  return JSON.stringify({ ...parseTemplate(template), [key]: password });
}

function parseTemplate(template: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(template);
    if (isObject(parsed)) return parsed;
  } catch {}
  throw new RangeError("SecretStringTemplate is no JSON object");
}

export function randomPassword(request: JsonObject): string {
  const length = request.PasswordLength === undefined ? 32 : Number(request.PasswordLength);
  if (!Number.isInteger(length) || length < 1 || length > 4096)
    throw new RangeError("PasswordLength must be 1 to 4096");
  const excluded = new Set(String(request.ExcludeCharacters ?? ""));
  const alphabets = [
    request.ExcludeLowercase === true ? "" : lower,
    request.ExcludeUppercase === true ? "" : upper,
    request.ExcludeNumbers === true ? "" : digits,
    request.ExcludePunctuation === true ? "" : punctuation,
    request.IncludeSpace === true ? " " : "",
  ]
    .map((letters) => [...letters].filter((letter) => !excluded.has(letter)))
    .filter((letters) => letters.length > 0);
  const all = alphabets.flat();
  if (all.length === 0) throw new RangeError("no characters are left to make a password of");
  const each = request.RequireEachIncludedType === false ? [] : alphabets.map(pick);
  if (each.length > length) throw new RangeError("PasswordLength is too short for one character of each type");
  return shuffled([...each, ...Array.from({ length: length - each.length }, () => pick(all))]).join("");
}

function pick(letters: readonly string[]): string {
  return letters[randomInt(letters.length)] ?? "";
}

function shuffled(letters: readonly string[]): string[] {
  const rest = [...letters];
  return letters.map(() => rest.splice(randomInt(rest.length), 1).join(""));
}
