import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asked, massNotFound } from "./mass-not-found.ts";
import { patchOf } from "./plant.ts";
import { plants } from "./plants.ts";
import { openSimulation, type Simulation } from "./simulate.ts";
import { systematically } from "./systematic.ts";
import { calm, storyOf, unseenEnds } from "./unseen-ends.ts";

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

  test.each(Object.keys(asked) as (keyof typeof asked)[])(
    "%s: what a cloud denies to have made is neither made anew nor taken for deleted (F15)",
    async (what) => {
      let seen = { made: 0, during: [] as string[] };
      const scene = await simulation.play(
        async (scene) => {
          seen = await massNotFound(scene, what);
        },
        { rate: null },
      );
      expect(scene.checker.violations, scene.trace.slice(-40).join("\n")).toEqual([]);
      expect(seen.made).toBe(8);
      expect(seen.during.length).toBe(what === "eight updates at once" ? 8 : 2);
      for (const state of seen.during) expect(state).toMatch(/^(PENDING|SYNCING|DELETING) /);
    },
  );

  test.each(Object.keys(unseenEnds))("%s: settles first, and doubles, loses and sticks nothing (F2)", async (what) => {
    const { checker, trace } = await simulation.play(storyOf(what), calm);
    expect(checker.violations, trace.slice(-40).join("\n")).toEqual([]);
    const [{ status, deleting } = {}] = [...checker.state.resources.all];
    expect(status).toBe(deleting ? "DELETED" : "READY");
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
  for (let seed = 1; seed <= 25 && caught === undefined; seed++) {
    caught = (await simulation.run(seed, steps)).violations[0]?.law;
  }
  await simulation.close();
  expect(planted()).toBe(true);
  expect(caught).toBe("I4");
});
