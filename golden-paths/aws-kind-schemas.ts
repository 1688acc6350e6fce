import type { AwsSchema } from "../aws-schemas/aws-schema.ts";
import { defaultLocation, openSchemas } from "../aws-schemas/read-schema.ts";
import { changedCreateOnly, tagsProperty } from "../aws-schemas/resource-model.ts";
import { validateProperties } from "../aws-schemas/validate-properties.ts";
import type { JsonObject } from "../core/json.ts";
import { findReferences } from "../core/reference.ts";
import type { KindSchema, KindSchemas } from "./kind-schema.ts";

/** AWS's own schemas, from the archive at `location`; a carried schema is read as if it were AWS's. */
export function awsKindSchemas(location: URL = defaultLocation): KindSchemas {
  let known: Set<string> | null = null;
  return {
    has(kind) {
      known ??= new Set(openSchemas(location).typeNames());
      return known.has(kind);
    },
    published(kind) {
      const schema = openSchemas(location).read(kind);
      return schema === undefined ? undefined : kindSchema(schema);
    },
    // A golden path is the platform team's own file: the shape of what it carries is shown by its tests, not checked here.
    carried: (schema) => kindSchema({ primaryIdentifier: [], handlers: {}, ...schema } as unknown as AwsSchema),
  };
}

function kindSchema(schema: AwsSchema): KindSchema {
  const tags = tagsProperty(schema);
  return {
    validate: (properties: JsonObject) =>
      validateProperties(schema, properties, { skip: findReferences(properties).map(({ pointer }) => pointer) }),
    changedCreateOnly: (before, after) => changedCreateOnly(before, after, schema),
    tags: tags === undefined ? null : { ...tags, property: tags.pointer.slice(1) },
  };
}
