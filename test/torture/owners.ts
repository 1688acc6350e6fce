import { isObject, type Json } from "../../core/json.ts";
import type { LedgerItem } from "../support/machine.ts";

/**
 * Which resource an object of the cloud was made for: by its owner tag, or, where the type takes none, by the eight characters
 * that its derived name ends with.
 *
 * @param ids of all resources there have been, for the second
 */
export function ownerOf({ properties, identifier }: LedgerItem, ids: Iterable<string>): string | null {
  const { Tags: tags } = properties as { Tags?: Json };
  if (isObject(tags) && typeof tags["cairn:resource-id"] === "string") return tags["cairn:resource-id"];
  if (Array.isArray(tags)) {
    const tag = tags.find((one) => isObject(one) && one.Key === "cairn:resource-id");
    return isObject(tag) ? String(tag.Value) : null;
  }
  const ending = identifier.slice(-8);
  return [...ids].find((id) => id.replaceAll("-", "").endsWith(ending)) ?? null;
}
