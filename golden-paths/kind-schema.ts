import type { FieldError } from "../core/field-error.ts";
import type { JsonObject } from "../core/json.ts";

/** What resolving needs to know of a provider's kind. */
export type KindSchema = {
  /** What a provider would refuse; pointers into the properties. Strings that hold references pass. */
  validate(properties: JsonObject): FieldError[];
  /** Create-only properties that differ. */
  changedCreateOnly(before: JsonObject, after: JsonObject): string[];
  /** The property that takes tags and in which form; null where the kind has none. */
  tags: { property: string; form: "list" | "map" } | null;
};

/** Where kinds' schemas come from. Reading one may be slow the first time; the same kind is asked for once. */
export type KindSchemas = {
  /** The provider's own schema of a kind, undefined where it publishes none. */
  published(kind: string): KindSchema | undefined;
  /** From a schema that a golden path carries, in the form of AWS's own. */
  carried(schema: JsonObject): KindSchema;
};
