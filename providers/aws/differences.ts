import type { JsonObject } from "../../core/json.ts";
import type { Difference } from "../../core/provider.ts";
import { differencesOf } from "./compare.ts";
import type { Look } from "./look.ts";
import { leftoversOf } from "./taken-back.ts";
import { unsentSecrets } from "./unsent-secrets.ts";

/**
 * All that has to change. Once a request with these values has ended well (`sent`), what AWS does not show counts as
 * changed, and what it still shows of an earlier generation is its own default: asking again would change nothing.
 */
export async function whatDiffers(look: Look, actual: JsonObject, sent: boolean): Promise<Difference[]> {
  const { schema, call } = look;
  const differences = await differencesOf(schema, call.desired, actual);
  if (sent) return differences;
  const leftovers = await leftoversOf(schema, call.applied ?? [], call.desired, actual);
  return [...differences, ...leftovers, ...unsentSecrets(look)];
}
