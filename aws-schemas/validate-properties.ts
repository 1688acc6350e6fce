import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from "ajv";
import { type FieldError, maxFaults } from "../core/field-error.ts";
import { isObject, type Json, type JsonObject, pointerTo } from "../core/json.ts";
import type { AwsSchema } from "./aws-schema.ts";
import { isCovered, pointersMatching } from "./pointers.ts";

export type ValidateOptions = {
  /** Pointers (or patterns) of values that are not known yet, such as references: their values are not judged. */
  skip?: readonly string[];
};

/**
 * What AWS would refuse in these properties before trying: unknown, missing, read-only, of the wrong type or form, up to
 * `maxFaults`. Pointers are below the properties, `/BucketName`. Empty when AWS would try.
 */
export function validateProperties(
  schema: AwsSchema,
  properties: JsonObject,
  { skip = [] }: ValidateOptions = {},
): FieldError[] {
  const readOnly = (schema.readOnlyProperties ?? []).flatMap((pattern) =>
    pointersMatching(properties, pattern).map((pointer) => ({ pointer, message: "is read-only: AWS sets it" })),
  );
  const validate = validatorOf(schema);
  const found = validate(properties) ? [] : (validate.errors ?? []);
  const known = new Set(skip);
  const faults = new Map(readOnly.slice(0, maxFaults).map((fault) => [JSON.stringify(fault), fault]));
  for (const error of found) {
    if (faults.size >= maxFaults) break;
    if (isBranch(error)) continue;
    const pointer = pointerOf(error);
    const excused = known.has(pointer)
      ? excuses(pointer, error, pointer)
      : skip.some((skipped) => excuses(skipped, error, pointer));
    // What only AWS can set is no caller's omission.
    if (excused || (error.keyword === "required" && isReadOnly(schema, pointer))) continue;
    const fault = { pointer, message: messageOf(error, found, schema.typeName) };
    faults.set(JSON.stringify(fault), fault);
  }
  return [...faults.values()];
}

const validators = new WeakMap<AwsSchema, ValidateFunction>();

function validatorOf(schema: AwsSchema): ValidateFunction {
  const known = validators.get(schema) ?? compile(schema);
  validators.set(schema, known);
  return known;
}

function compile(schema: AwsSchema): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    validateFormats: false,
    verbose: true,
    unicodeRegExp: false,
    logger: false,
    code: { regExp: Object.assign(patternOf, { code: "new RegExp" }) },
  });
  for (const [keyword, passes] of Object.entries(cfnLintKeywords)) {
    ajv.addKeyword({ keyword, errors: false, validate: passes as SchemaValidateFunction });
  }
  const { properties, definitions, required, additionalProperties } = schema;
  const { oneOf, anyOf, allOf, ...rest } = schema as AwsSchema & { [keyword: string]: unknown };
  const rules = Object.fromEntries(Object.entries(rest).filter(([key]) => Object.hasOwn(cfnLintKeywords, key)));
  const combined = Object.fromEntries(
    Object.entries({ oneOf, anyOf, allOf }).filter(([, value]) => value !== undefined),
  );
  return ajv.compile({
    type: "object",
    properties,
    definitions: definitions ?? {},
    required: required ?? [],
    additionalProperties: additionalProperties ?? true,
    ...rules,
    ...combined,
  });
}

/** Unicode first: without it `\p{L}`, as in the tags of SQS and SSM, means the letters p, { and so on. */
/**
 * AWS writes Java's patterns: `\p{L}` needs JavaScript's `u` flag, 122 of 2,972 patterns are refused with it, and 14
 * are no JavaScript at all. What JavaScript would read as something else judges nothing.
 */
function patternOf(pattern: string): RegExp {
  const translated = pattern.replaceAll(/\\[zZ]/g, "$").replaceAll("\\A", "^");
  const flags = /\\[pP]\{/.test(translated) ? ["u"] : ["u", ""];
  if (translated.includes("[:")) return /(?:)/;
  for (const flag of flags) {
    try {
      return new RegExp(translated, flag);
    } catch {}
  }
  return /(?:)/;
}

/** Rules that cfn-lint wrote down beside AWS's own, in its own keywords. */
const cfnLintKeywords: { [keyword: string]: (rule: never, value: Json) => boolean } = {
  enumCaseInsensitive: (rule: string[], value) =>
    typeof value !== "string" || rule.some((allowed) => allowed.toLowerCase() === value.toLowerCase()),
  requiredXor: (rule: string[], value) => !isObject(value) || namesIn(rule, value).length === 1,
  requiredOr: (rule: string[], value) => !isObject(value) || namesIn(rule, value).length > 0,
  dependentExcluded: (rule: { [name: string]: string[] }, value) =>
    !isObject(value) ||
    Object.entries(rule).every(([name, others]) => !Object.hasOwn(value, name) || namesIn(others, value).length === 0),
};

function namesIn(names: readonly string[], value: JsonObject): string[] {
  return names.filter((name) => Object.hasOwn(value, name));
}

/** An error inside one alternative says little: the one about all alternatives is told instead. */
function isBranch(error: ErrorObject): boolean {
  return /\/(oneOf|anyOf)\/\d+\//.test(error.schemaPath) || error.keyword === "if";
}

function excuses(skipped: string, error: ErrorObject, pointer: string): boolean {
  if (isCovered(pointer, skipped)) return error.keyword !== "required" && error.keyword !== "additionalProperties";
  // Which alternative holds may hang on a value below that is not known.
  const alternatives = error.keyword === "oneOf" || error.keyword === "anyOf";
  return (alternatives || error.keyword === "uniqueItems") && skipped.startsWith(`${pointer}/`);
}

function pointerOf(error: ErrorObject): string {
  if (error.keyword === "required") return pointerTo(error.instancePath, String(error.params.missingProperty));
  if (error.keyword === "additionalProperties") {
    return pointerTo(error.instancePath, String(error.params.additionalProperty));
  }
  return error.instancePath;
}

function messageOf(error: ErrorObject, all: readonly ErrorObject[], typeName: string): string {
  switch (error.keyword) {
    case "required":
      return "is required";
    case "additionalProperties":
      return error.instancePath === "" ? `is no property of ${typeName}` : "is no property here";
    case "enum":
      return `must be one of ${(error.params.allowedValues as Json[]).map(String).join(", ")}`;
    case "enumCaseInsensitive":
      return `must be one of ${(error.schema as string[]).join(", ")}`;
    case "const":
      return `must be ${JSON.stringify(error.params.allowedValue)}`;
    case "type":
      return `must be ${[error.params.type as string | string[]].flat().map(withArticle).join(" or ")}`;
    case "oneOf":
    case "anyOf":
      return alternativesMessage(error, all);
    case "requiredXor":
      return `needs exactly one of ${(error.schema as string[]).join(", ")}`;
    case "requiredOr":
      return `needs at least one of ${(error.schema as string[]).join(", ")}`;
    case "dependentExcluded":
      return `has properties that exclude each other: ${JSON.stringify(error.schema)}`;
    default:
      return error.message ?? `breaks the rule ${error.keyword}`;
  }
}

/** Most of AWS's alternatives only differ in what they require: then those names are the message. */
function alternativesMessage(error: ErrorObject, all: readonly ErrorObject[]): string {
  const branches = all.filter(
    (other) => other.instancePath === error.instancePath && other.schemaPath.startsWith(`${error.schemaPath}/`),
  );
  const names = branches.filter(({ keyword }) => keyword === "required").map(({ params }) => params.missingProperty);
  if (names.length > 0 && names.length === branches.length) return `needs ${unique(names.map(String)).join(", or ")}`;
  return error.keyword === "oneOf"
    ? "must have exactly one of the allowed forms"
    : "must have one of the allowed forms";
}

function withArticle(type: string): string {
  if (type === "null") return type;
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function isReadOnly(schema: AwsSchema, pointer: string): boolean {
  return (schema.readOnlyProperties ?? []).some((pattern) => isCovered(pointer, pattern));
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
