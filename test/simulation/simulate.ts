import type { Bug } from "./bug.ts";
import type { Character } from "./character.ts";
import { createRandom } from "./random.ts";
import { type Scene, sceneOf } from "./scene.ts";
import { decide } from "./schedule.ts";
import { beginning, openStore } from "./store.ts";
import { takeTimers } from "./timers.ts";
import type { Violation } from "./violation.ts";

export type Result = {
  seed: number;
  violations: Violation[];
  trace: string[];
  steps: number;
  /** Simulated seconds from the end of faults until everything was terminal. */
  settledIn: number;
};

export type Simulation = {
  run(seed: number, steps: number, skip?: ReadonlySet<number>, character?: Partial<Character>): Promise<Result>;
  /** A schedule that is written down instead of drawn. */
  play(script: (scene: Scene) => Promise<void>, character?: Partial<Character>): Promise<Scene>;
  close(): Promise<void>;
};

/** @param patch changes functions' and statements' text, and `bug` wraps what is run: for planted bugs alone. */
export async function openSimulation(bug: Bug = {}, patch?: (sql: string) => string): Promise<Simulation> {
  const clock = { now: beginning };
  // The engine reads `Date.now()` too, for its own timers: it must not see the clock jump by a year.
  const store = await underClock(clock, () => openStore(() => clock.now, patch));
  return {
    run: (seed, steps, skip = new Set(), character = {}) =>
      underClock(clock, async () => runSeed(await sceneOf(store, clock, bug, seed, character), seed, steps, skip)),
    play: (script, character) =>
      underClock(clock, async () => {
        const scene = await sceneOf(store, clock, bug, 1, character);
        await script(scene);
        return scene;
      }),
    close: () => store.close(),
  };
}

/**
 * The provider asks `Date.now()` how old an answer is, and the use cases make a deadline for each call: for as long as a
 * schedule runs, time is the schedule's, which itself ends a call that hangs.
 */
async function underClock<T>(clock: { now: number }, work: () => Promise<T>): Promise<T> {
  const real = { now: Date.now, timeout: AbortSignal.timeout };
  const never = new AbortController().signal;
  const restoreTimers = takeTimers(clock);
  Date.now = () => clock.now;
  AbortSignal.timeout = () => never;
  try {
    return await work();
  } finally {
    Date.now = real.now;
    AbortSignal.timeout = real.timeout;
    restoreTimers();
  }
}

async function runSeed(scene: Scene, seed: number, steps: number, skip: ReadonlySet<number>): Promise<Result> {
  const { world, sides, character, checker, say, trace, finish } = scene;
  sides.weather = character.weather;
  world.lateness = { least: 0, most: character.lateness };
  let nth = 0;
  for (; nth < steps && checker.violations.length === 0; nth++) {
    if (skip.has(nth)) continue;
    say(`#${nth}`);
    await decide(scene, createRandom(seed * 100_003 + nth), nth);
  }
  const settledIn = checker.violations.length === 0 ? await finish() : 0;
  return { seed, violations: checker.violations, trace, steps: nth, settledIn };
}

/** The fewest steps, as far as halving finds them, after which the same law is still broken. */
export async function shrink(
  simulation: Simulation,
  failing: Result,
  steps: number,
  budget = 150,
): Promise<Result & { skip: number[] }> {
  const law = failing.violations[0]?.law;
  let best = failing;
  let skip = new Set<number>();
  let left = budget;
  for (let size = Math.ceil(steps / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.steps && left > 0; at += size) {
      const without = new Set([...skip, ...Array.from({ length: size }, (_, index) => at + index)]);
      without.delete(0);
      if (without.size === skip.size) continue;
      left -= 1;
      const result = await simulation.run(failing.seed, steps, without);
      if (result.violations[0]?.law === law) [best, skip] = [result, without];
    }
  }
  return { ...best, skip: [...skip] };
}
