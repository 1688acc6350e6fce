import type { Random } from "../simulation/random.ts";

/** One of them, as often as its weight says. */
export function pickWeighted<T extends { weight: number }>(items: readonly T[], random: Random): T {
  let at = random.next() * items.reduce((sum, { weight }) => sum + weight, 0);
  for (const item of items) {
    at -= item.weight;
    if (at < 0) return item;
  }
  throw new Error("nothing to pick from");
}
