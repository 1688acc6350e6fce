import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { type Json, type JsonObject, mapStrings } from "../../core/json.ts";
import { coveredBy } from "./schema-path.ts";

/** The strings of these properties that no message may repeat: what AWS never returns, it may well quote in an error. */
export function secretsIn(schema: AwsSchema, desired: JsonObject): string[] {
  const found = new Set<string>();
  mapStrings(desired, (text, pointer) => {
    if (coveredBy(schema.writeOnlyProperties, pointer)) collect(text, found);
    return text;
  });
  return [...found];
}

/** A secret that is JSON text is quoted in parts as well. */
function collect(text: string, found: Set<string>): void {
  found.add(text);
  try {
    mapStrings(JSON.parse(text) as Json, (part) => {
      found.add(part);
      return part;
    });
  } catch {
    // Not JSON: the text itself is all there is.
  }
}
