import { canonicalJson, type Json, pointerWithin } from "../core/json.ts";
import type { Difference } from "../core/provider.ts";

/**
 * A row is 64 KB and is read by whoever lists findings; its pointer stands in an index, whose entries hold 2,700 bytes; and a
 * batch of 25 looks is written in one request of 4 MiB.
 */
const most = 100;
const longestPointer = 300;
const largestValue = 8_000;
const largestLook = 100_000;

/** What is kept of what a look found: others may have changed an object by more than anybody reads, or a row holds. */
export function shownDifferences(differences: readonly Difference[]): Difference[] {
  let left = largestLook;
  const shown = (value: Json): Json => {
    const bytes = Buffer.byteLength(canonicalJson(value));
    if (bytes > largestValue || bytes > left) return `(${bytes} bytes of JSON: too much to be kept here)`;
    left -= bytes;
    return value;
  };
  return differences.slice(0, most).map(({ pointer, expected, actual }) => ({
    // Never the empty one, which is the object as a whole, for a place in it.
    pointer: pointerWithin(pointer, longestPointer) || pointer.slice(0, longestPointer),
    expected: shown(expected),
    actual: shown(actual),
  }));
}
