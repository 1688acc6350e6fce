import { DataApiError } from "./errors.ts";
import type { ParsedSql } from "./parse-sql.ts";
import type { SqlParameter } from "./requests.ts";

export type BoundSql = { text: string; values: (string | Buffer | null)[] };

type Bound = { type: string; value: string | Buffer | null };

/**
 * The statement as Postgres gets it: `:id` becomes `($1::text)`. The cast gives the parameter the type that the service
 * sends, so that comparing an unhinted string with a uuid column fails here as it does there.
 *
 * @throws {DataApiError} for a parameter that is missing, given twice, never used, or of a kind that the service refuses
 */
export function bindParameters(sql: ParsedSql, parameters: readonly SqlParameter[]): BoundSql {
  const given = new Map<string, Bound>();
  for (const parameter of parameters) {
    if (given.has(parameter.name)) throw bad(`Parameter ${parameter.name} is given twice`);
    given.set(parameter.name, bind(parameter));
  }
  const numbers = new Map<string, number>();
  const values: BoundSql["values"] = [];
  let text = sql.texts[0] ?? "";
  sql.names.forEach((name, index) => {
    const bound = given.get(name);
    if (!bound) throw bad(`Cannot find parameter: ${name}`);
    const number = numbers.get(name) ?? values.push(bound.value);
    numbers.set(name, number);
    text += `($${number}::${bound.type})${sql.texts[index + 1] ?? ""}`;
  });
  const unused = parameters.find(({ name }) => !numbers.has(name));
  if (unused) throw bad(`The statement has no parameter :${unused.name}`);
  return { text, values };
}

const hints: { [hint in NonNullable<SqlParameter["typeHint"]>]: { type: string; shape: RegExp; example: string } } = {
  UUID: { type: "uuid", shape: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i, example: "a UUID with dashes" },
  // json, not jsonb: what needs jsonb casts.
  JSON: { type: "json", shape: /[\s\S]/, example: "JSON" },
  TIMESTAMP: {
    type: "timestamp",
    shape: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?$/,
    example: "YYYY-MM-DD HH:MM:SS[.FFF]",
  },
  DATE: { type: "date", shape: /^\d{4}-\d\d-\d\d$/, example: "YYYY-MM-DD" },
  TIME: { type: "time", shape: /^\d\d:\d\d:\d\d(?:\.\d{1,6})?$/, example: "HH:MM:SS[.FFF]" },
  DECIMAL: { type: "numeric", shape: /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i, example: "a decimal number" },
};

function bind({ name, value, typeHint }: SqlParameter): Bound {
  const hint = typeHint ? hints[typeHint] : undefined;
  if ("isNull" in value) {
    if (!value.isNull) throw bad(`Parameter ${name}: isNull must be true`);
    return { type: hint?.type ?? "text", value: null };
  }
  if ("stringValue" in value) {
    if (value.stringValue.includes("\0")) throw bad(`Parameter ${name} holds a NUL character`);
    if (hint && !hint.shape.test(value.stringValue))
      throw bad(`Parameter ${name} with the hint ${typeHint} must be ${hint.example}`);
    return { type: hint?.type ?? "text", value: value.stringValue };
  }
  if (hint) throw bad(`Parameter ${name}: the hint ${typeHint} goes with a stringValue`);
  if ("booleanValue" in value) return { type: "bool", value: String(value.booleanValue) };
  if ("longValue" in value) return { type: "int8", value: String(BigInt(value.longValue)) };
  if ("doubleValue" in value) return { type: "float8", value: String(value.doubleValue) };
  if ("blobValue" in value) return { type: "bytea", value: Buffer.from(value.blobValue, "base64") };
  throw new DataApiError("ValidationException", "Array parameters are not supported.");
}

function bad(message: string): DataApiError {
  return new DataApiError("BadRequestException", message);
}
