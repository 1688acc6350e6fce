import type { FieldError } from "../core/field-error.ts";
import type { JsonObject } from "../core/json.ts";

/** What resolving needs to know of a provider's kind. */
export type KindSchema = {
  /** What a provider would refuse; pointers into the properties. Strings that hold references pass. */
  validate(properties: JsonObject): FieldError[];
  /** Create-only properties that differ. */
  changedCreateOnly(before: JsonObject, after: JsonObject): string[];
  /** Where tags go; null where the kind takes none. */
  tags: TagsForm | null;
};

/** The property that takes tags: a map, or a list whose items call a tag's key and value so. */
export type TagsForm = { property: string } & ({ shape: "map" } | { shape: "list"; key: string; value: string });

/** Where kinds' schemas come from. Reading one may be slow the first time; the same kind is asked for once. */
export type KindSchemas = {
  /** Whether `published` knows the kind; quick, because loading asks it of every golden path. */
  has(kind: string): boolean;
  /** The provider's own schema of a kind, undefined where it publishes none. */
  published(kind: string): KindSchema | undefined;
  /** From a schema that a golden path carries, in the form of AWS's own. */
  carried(schema: JsonObject): KindSchema;
};
