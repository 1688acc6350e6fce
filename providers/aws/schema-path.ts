import type { AwsSchema, PropertySchema } from "../../aws-schemas/aws-schema.ts";
import { isCovered } from "../../aws-schemas/pointers.ts";
import { resolveRef } from "../../aws-schemas/resource-model.ts";

/** Whether one of the schema's patterns names this property or one that holds it. */
export function coveredBy(patterns: readonly string[] | undefined, pointer: string): boolean {
  return (patterns ?? []).some((pattern) => isCovered(pointer, pattern));
}

/** The schema of a value below another, references followed; an empty one where AWS says nothing. */
export function memberSchema(schema: AwsSchema, of: PropertySchema, member: string | number): PropertySchema {
  const here = resolved(schema, of);
  const below = typeof member === "number" ? here.items : here.properties?.[member];
  return below ? resolved(schema, below) : {};
}

/** What stands beside a reference, `insertionOrder` for example, adds to it. */
export function resolved(schema: AwsSchema, property: PropertySchema): PropertySchema {
  return property.$ref === undefined ? property : { ...resolveRef(schema, property), ...property };
}
