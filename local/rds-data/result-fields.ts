import { DataApiError } from "./errors.ts";
import type { ExecuteRequest } from "./requests.ts";
import type { ResultType } from "./result-types.ts";

export type Scalar = string | number | boolean;
type Options = NonNullable<ExecuteRequest["resultSetOptions"]>;

const scalarMembers = { boolean: "booleanValue", number: "doubleValue", string: "stringValue" } as const;

/** One value of a result as the service's `Field`; `text` is Postgres's own text form. */
export function toField(text: string | null, type: ResultType, options: Options): object {
  if (text === null) return { isNull: true };
  if (type.arrayOf !== undefined) return { arrayValue: toArray(text, type, options) };
  if (type.kind === "blob") return { blobValue: Buffer.from(text.slice(2), "hex").toString("base64") };
  const value = toScalar(text, type, options);
  return type.kind === "double" ? { doubleValue: value } : { [memberFor(type, value)]: value };
}

/** One value for `formatRecordsAs: JSON`: numbers, booleans and null as such, all else as a string. */
export function toJson(text: string | null, type: ResultType): unknown {
  if (text === null) return null;
  if (type.kind === "blob") return Buffer.from(text.slice(2), "hex").toString("base64");
  const options: Options = { decimalReturnType: "DOUBLE_OR_LONG" };
  if (type.arrayOf !== undefined)
    return elements(text).map((each) => (each === null ? null : toScalar(each, type, options)));
  return toScalar(text, type, options);
}

function toScalar(text: string, type: ResultType, options: Options): Scalar {
  switch (type.kind) {
    case "boolean":
      return text === "t";
    case "long":
      return options.longReturnType === "STRING" ? text : Number(text);
    case "double":
      // JSON has no NaN and no Infinity; the protocol writes them as strings.
      return Number.isFinite(Number(text)) ? Number(text) : text;
    case "decimal":
      return options.decimalReturnType === "DOUBLE_OR_LONG" && Number.isFinite(Number(text)) ? Number(text) : text;
    case "time":
    case "timestamp":
      return withShortFraction(text);
    case "timestamptz":
      return withShortFraction(text.replace(/\+00$/, ""));
    default:
      return text;
  }
}

function memberFor(type: ResultType, value: Scalar): string {
  if (typeof value !== "number") return scalarMembers[typeof value as "boolean" | "string"];
  return type.kind === "long" || Number.isSafeInteger(value) ? "longValue" : "doubleValue";
}

/** No fraction where it is zero, milliseconds where they are enough, else microseconds. */
function withShortFraction(text: string): string {
  return text.replace(/\.(\d+)$/, (_, digits: string) => {
    const six = digits.padEnd(6, "0");
    return six.endsWith("000") ? `.${six.slice(0, 3)}` : `.${six}`;
  });
}

function toArray(text: string, type: ResultType, options: Options): object {
  const values = elements(text).map((each) => (each === null ? null : toScalar(each, type, options)));
  const first = values.find((value) => value !== null);
  if (typeof first === "boolean") return { booleanValues: values };
  if (type.kind === "double") return { doubleValues: values };
  if (typeof first === "number") return { [type.kind === "long" ? "longValues" : "doubleValues"]: values };
  return { stringValues: values };
}

/** The elements of a one-dimensional array in Postgres's text form, `{a,"b c",NULL}`. */
function elements(text: string): (string | null)[] {
  const body = text.slice(text.indexOf("{") + 1, -1);
  if (text.startsWith("[") || body.startsWith("{")) {
    throw new DataApiError("UnsupportedResultException", "The result contains a multidimensional array.");
  }
  return [...body.matchAll(/"((?:[^"\\]|\\.)*)"|([^,"]+)/g)].map(([, quoted, plain = ""]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, "$1");
    return plain === "NULL" ? null : plain;
  });
}
