import jsonata from "jsonata";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { pointersMatching } from "../../aws-schemas/pointers.ts";
import { atPointer, type Json, type JsonObject } from "../../core/json.ts";

/** What AWS may make of a value that was given, by its pointer: a lower-cased name, an ARN for a key's id. */
export type Rewrites = Map<string, Json[]>;

/**
 * Evaluates the schema's `propertyTransform` on the wanted properties: JSONata over the object that holds the property
 * (some of AWS's expressions are written from the root instead), alternatives joined by `$OR`.
 */
export async function rewritesOf(schema: AwsSchema, desired: JsonObject): Promise<Rewrites> {
  const rewrites: Rewrites = new Map();
  for (const [path, transform] of Object.entries(schema.propertyTransform ?? {})) {
    const alternatives = transform.split(" $OR ").map((text) => text.trim());
    for (const pointer of pointersMatching(desired, path)) {
      const holder = atPointer(desired, pointer.slice(0, pointer.lastIndexOf("/"))) ?? null;
      const results = alternatives.flatMap((text) => [evaluate(text, holder), evaluate(text, desired)]);
      rewrites.set(
        pointer,
        (await Promise.all(results)).filter((result) => result !== undefined),
      );
    }
  }
  return rewrites;
}

/** Whether a value is what AWS makes of the wanted one. A text result may be a pattern: `17` becomes `17.*`. */
export function isRewriteOf(results: readonly Json[] | undefined, actual: Json): boolean {
  return (results ?? []).some((result) => {
    if (typeof result !== "string" || typeof actual !== "string") return result === actual;
    return result === actual || patternMatches(result, actual);
  });
}

async function evaluate(expression: string, context: Json): Promise<Json | undefined> {
  try {
    // JSONata marks its lists; a round trip leaves plain values.
    const result: unknown = await jsonata(expression).evaluate(context);
    return result === undefined ? undefined : (JSON.parse(JSON.stringify(result)) as Json);
  } catch {
    // An expression written for the other context, or a function JSONata does not have: no rewrite is known.
    return undefined;
  }
}

function patternMatches(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(text);
  } catch {
    return false;
  }
}
