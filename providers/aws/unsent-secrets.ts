import { hashOf } from "../../core/json.ts";
import type { Difference } from "../../core/provider.ts";
import type { Look } from "./look.ts";
import { coveredBy } from "./schema-path.ts";

/**
 * What is never returned cannot be compared: it differs when the values last sent were others. What is no longer asked for
 * is expected to be null.
 */
export function unsentSecrets({ call, schema }: Look): Difference[] {
  const { desired, applied = [], sentHash } = call;
  if (typeof sentHash !== "string" || sentHash === hashOf(desired)) return [];
  return [...new Set([desired, ...applied].flatMap(Object.keys))]
    .filter((key) => coveredBy(schema.writeOnlyProperties, `/${key}`))
    .map((key) => ({
      pointer: `/${key}`,
      expected: desired[key] === undefined ? null : "(not shown)",
      actual: "(not shown)",
    }));
}
