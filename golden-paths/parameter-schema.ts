import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { FieldError } from "../core/field-error.ts";
import { atPointer, type Json, type JsonObject, pointerTo } from "../core/json.ts";
import { findReferences } from "../core/reference.ts";

export type ParameterSchema = {
  /** What is wrong with a request's parameters, defaults filled in; pointers below `pointer`. */
  check(parameters: JsonObject, pointer: string): FieldError[];
  /** What is wrong with defaults, which need not be complete. */
  checkDefaults(parameters: JsonObject, pointer: string): FieldError[];
};

// Values keep the type they were sent with: "6" is not 6. Own properties only, so that no inherited name ever counts.
const strictly = { allErrors: true, strict: true, allowUnionTypes: true, ownProperties: true };
// Compiling in strict mode already refuses unknown keywords and values of the wrong type; checking the schema against the
// meta-schema as well would cost 25 ms of every cold start.
const ajv = new Ajv({ ...strictly, meta: false, validateSchema: false });

/** Keywords that look at more than one value: a reference anywhere below makes their verdict worthless. */
const compound = new Set(["anyOf", "oneOf", "not", "if", "contains", "uniqueItems"]);

/** @throws when it is no JSON Schema */
export function compileParameterSchema(schema: JsonObject): ParameterSchema {
  const validate: ValidateFunction = ajv.compile(schema);
  const known = Object.keys((schema.properties as JsonObject | undefined) ?? {});
  return {
    check: (parameters, pointer) => faults(parameters).map((fault) => toFieldError(fault, pointer, known)),
    checkDefaults: (parameters, pointer) =>
      faults(parameters)
        .filter((fault) => !(fault.keyword === "required" && fault.instancePath === ""))
        .map((fault) => toFieldError(fault, pointer, known)),
  };

  function faults(parameters: JsonObject): ErrorObject[] {
    if (validate(parameters)) return [];
    return (validate.errors ?? []).filter((fault) => !awaitsReference(fault, parameters));
  }
}

function awaitsReference(fault: ErrorObject, parameters: JsonObject): boolean {
  const value = atPointer(parameters, fault.instancePath);
  if (value === undefined) return false;
  return (typeof value === "string" || compound.has(fault.keyword)) && findReferences(value).length > 0;
}

function toFieldError(fault: ErrorObject, pointer: string, known: readonly string[]): FieldError {
  const at = `${pointer}${fault.instancePath}`;
  const params = fault.params as { [key: string]: Json | undefined };
  if (fault.keyword === "additionalProperties") {
    const takes = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
    const message = fault.instancePath === "" ? `is not a parameter; ${takes}` : "is not known";
    return { pointer: pointerTo(at, String(params.additionalProperty)), message };
  }
  if (fault.keyword === "required")
    return { pointer: pointerTo(at, String(params.missingProperty)), message: "is required" };
  if (fault.keyword === "enum") {
    const allowed = (params.allowedValues as Json[]).map((value) => JSON.stringify(value)).join(", ");
    return { pointer: at, message: `must be one of ${allowed}` };
  }
  return { pointer: at, message: fault.message ?? `fails ${fault.keyword}` };
}
