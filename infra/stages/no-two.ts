import type { z } from "zod";

/** Refuses a list in which two items have one of their keys in common, and says which two. */
export function noTwo<Item extends { name: string }>(keysOf: (item: Item) => string[], what: string) {
  return ({ value, issues }: z.core.ParsePayload<Item[]>): void => {
    const first = new Map<string, number>();
    for (const [index, item] of value.entries()) {
      for (const key of keysOf(item)) {
        const before = first.get(key);
        if (before === undefined) first.set(key, index);
        else issues.push({ code: "custom", path: [index], input: item, message: bothHave(key, item, before) });
      }
    }

    function bothHave(key: string, { name }: Item, before: number): string {
      const other = value[before]?.name;
      return name === other
        ? `has the ${what} ${key} of number ${before} too`
        : `${JSON.stringify(name)} has the ${what} ${key}, and so has ${JSON.stringify(other)}`;
    }
  };
}
