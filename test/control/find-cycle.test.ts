import fc from "fast-check";
import { expect, it } from "vitest";
import { findCycle } from "../../control/find-cycle.ts";

const node = fc.integer({ min: 0, max: 7 }).map((number) => `n${number}`);
/** Edges may lead to nodes that have no entry of their own. */
const graph = fc.array(fc.tuple(node, fc.array(node, { maxLength: 3 })), { maxLength: 8 }).map((all) => new Map(all));

it("finds a cycle exactly where there is one, and gives one that is there", () => {
  fc.assert(
    fc.property(graph, (edges) => {
      const cycle = findCycle(edges);
      expect(cycle !== null).toBe([...edges.keys()].some((start) => reaches(edges, start, start)));
      if (cycle === null) return;
      expect(cycle.length).toBeGreaterThan(1);
      expect(cycle.at(0)).toBe(cycle.at(-1));
      expect(new Set(cycle).size, "each node once, but for the first").toBe(cycle.length - 1);
      for (const [index, next] of cycle.slice(1).entries()) expect(edges.get(cycle[index] ?? "")).toContain(next);
    }),
    { numRuns: 1000 },
  );
});

it("names a resource that needs itself", () => expect(findCycle(new Map([["a", ["a"]]]))).toEqual(["a", "a"]));

it("leaves out what only leads into the cycle", () => {
  expect(
    findCycle(
      new Map([
        ["start", ["a"]],
        ["a", ["b"]],
        ["b", ["a"]],
      ]),
    ),
  ).toEqual(["a", "b", "a"]);
});

it("looks at each edge of a thousand diamonds once, though there are 2^1000 ways through them", () => {
  const edges = new Map<string, string[]>();
  for (let index = 0; index < 1000; index++) {
    edges.set(`top${index}`, [`left${index}`, `right${index}`]);
    edges.set(`left${index}`, [`top${index + 1}`]);
    edges.set(`right${index}`, [`top${index + 1}`]);
  }
  const edgesAndNodes = 4000 + 3001;
  let looks = 0;
  const counted = new Map(edges);
  counted.get = (name) => {
    looks += 1;
    if (looks > edgesAndNodes) throw new Error("an edge was looked at twice");
    return edges.get(name);
  };
  expect(findCycle(counted)).toBeNull();
  expect(looks).toBeGreaterThan(3000);
});

it("follows a chain of 100,000, where anything quadratic would take minutes and recursion would end the stack", () => {
  const edges = new Map(Array.from({ length: 100_000 }, (_, index) => [`n${index}`, [`n${index + 1}`]]));
  expect(findCycle(edges)).toBeNull();
  edges.set("n100000", ["n0"]);
  expect(findCycle(edges)).toHaveLength(100_002);
});

function reaches(edges: ReadonlyMap<string, readonly string[]>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const queue = [...(edges.get(from) ?? [])];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next === to) return true;
    if (!seen.has(next)) queue.push(...(edges.get(next) ?? []));
    seen.add(next);
  }
  return false;
}
