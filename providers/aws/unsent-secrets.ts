import { hashOf } from "../../core/json.ts";
import type { Difference } from "../../core/provider.ts";
import type { Look } from "./look.ts";
import { coveredBy } from "./schema-path.ts";

/** What is never returned cannot be compared: it differs when the values last sent were others. */
export function unsentSecrets({ call, schema }: Look): Difference[] {
  if (typeof call.sentHash !== "string" || call.sentHash === hashOf(call.desired)) return [];
  return Object.keys(call.desired)
    .map((key) => `/${key}`)
    .filter((pointer) => coveredBy(schema.writeOnlyProperties, pointer))
    .map((pointer) => ({ pointer, expected: "(not shown)", actual: "(not shown)" }));
}
