import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { patchOf } from "./plant.ts";
import { plants } from "./plants.ts";
import { openSimulation, type Simulation } from "./simulate.ts";
import { systematically } from "./systematic.ts";

// A short run; `npm run simulate` does the long ones. See docs/reliability.md.
const seeds = [1, 2, 3, 4, 5, 6];
const steps = 200;

describe("the simulation", { timeout: 120_000 }, () => {
  let simulation: Simulation;
  beforeAll(async () => {
    simulation = await openSimulation();
  });
  afterAll(() => simulation.close());

  test.each(seeds)("seed %i breaks no invariant", async (seed) => {
    const { violations, trace } = await simulation.run(seed, steps);
    expect(violations, trace.slice(-40).join("\n")).toEqual([]);
  });

  test("a seed replays identically, whatever ran in between", async () => {
    const first = await simulation.run(202, steps);
    await simulation.run(203, 20);
    const second = await simulation.run(202, steps);
    expect(second.trace).toEqual(first.trace);
    expect(first.trace.length).toBeGreaterThan(steps);
  });

  // `npm run simulate -- --systematic` does all of them.
  test.each([
    { type: "made", change: "create", next: "nothing", fault: { how: "after" } },
    { type: "made", change: "update", next: "delete", fault: { how: "crash-after", ending: "vanish" } },
    { type: "database", change: "create", next: "delete", fault: { how: "crash-after", ending: "vanish" } },
    { type: "database", change: "delete", next: "create", fault: { how: "after" } },
  ] as const)(
    "$change of $type with $fault.how at any await point, then $next, doubles, loses and sticks nothing",
    async ({ fault, ...one }) => {
      const { failures, points } = await systematically(simulation, [one], () => [fault]);
      expect(failures.map(({ name, violations }) => ({ name, violations }))).toEqual([]);
      expect(points).toBeGreaterThan(8);
    },
  );
});

test("the checker catches a planted bug: a stale generation becomes READY", { timeout: 120_000 }, async () => {
  const plant = plants.find(({ name }) => name === "a stale generation becomes READY");
  if (plant === undefined) throw new Error("the plant is gone");
  const { patch, planted } = patchOf(plant);
  const simulation = await openSimulation(plant.bug, patch);
  let caught: string | undefined;
  for (let seed = 1; seed <= 5 && caught === undefined; seed++) {
    caught = (await simulation.run(seed, steps)).violations[0]?.law;
  }
  await simulation.close();
  expect(planted()).toBe(true);
  expect(caught).toBe("I4");
});
