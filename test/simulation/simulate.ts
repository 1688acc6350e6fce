import type { Database } from "../../database/data-api.ts";
import { createChecker, short } from "./checker.ts";
import { createCloud, fairWeather } from "./cloud.ts";
import { checkEnd } from "./end.ts";
import { createRandom } from "./random.ts";
import { type Character, caller, characterOf, decide } from "./schedule.ts";
import { beginning, openStore, type SimStore } from "./store.ts";
import { type UseCases, useCases } from "./tasks.ts";
import type { Violation } from "./violation.ts";
import { createWorld, type Delivery, type Ending, type Point, type World } from "./world.ts";

export type Result = {
  seed: number;
  violations: Violation[];
  trace: string[];
  steps: number;
  /** Simulated seconds from the end of faults until everything was terminal. */
  settledIn: number;
};

export type Bug = { use?: Partial<UseCases>; database?: (database: Database) => Database };

export type Simulation = {
  run(seed: number, steps: number, skip?: ReadonlySet<number>): Promise<Result>;
  /** A schedule that is written down instead of drawn. */
  play(script: (scene: Scene) => Promise<void>): Promise<Scene>;
  close(): Promise<void>;
};

/** @param patch changes migrations' and statements' text, and `bug` wraps what is run: for planted bugs alone. */
export async function openSimulation(bug: Bug = {}, patch?: (sql: string) => string): Promise<Simulation> {
  const clock = { now: beginning };
  // The engine reads `Date.now()` too, for its own timers: it must not see the clock jump by a year.
  const store = await underClock(clock, () => openStore(() => clock.now, patch));
  return {
    run: (seed, steps, skip = new Set()) =>
      underClock(clock, async () => runSeed(await sceneOf(store, clock, bug, seed), seed, steps, skip)),
    play: (script) =>
      underClock(clock, async () => {
        const scene = await sceneOf(store, clock, bug, 1);
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
  Date.now = () => clock.now;
  AbortSignal.timeout = () => never;
  try {
    return await work();
  } finally {
    Date.now = real.now;
    AbortSignal.timeout = real.timeout;
  }
}

/** A world at its beginning, in which nothing was asked for yet. */
export type Scene = {
  world: World;
  cloud: ReturnType<typeof createCloud>;
  checker: ReturnType<typeof createChecker>;
  character: Character;
  trace: string[];
  say: (line: string) => void;
  /** Lets everything go on until nothing is left to do; `choose` may do something else with a point than answer it. */
  settle(choose?: Choose): Promise<number>;
  finish(): Promise<number>;
};
export type Choose = (points: readonly Point[]) => { point: Point; how: Delivery; ending?: Ending };

async function sceneOf(store: SimStore, clock: { now: number }, bug: Bug, seed: number): Promise<Scene> {
  clock.now = beginning;
  await store.reset(seed);
  const trace: string[] = [];
  const say = (line: string) => trace.push(`${((clock.now - beginning) / 1000).toFixed(3).padStart(10)} ${line}`);
  const random = createRandom(seed * 2 + 1);
  const character = characterOf(createRandom(seed * 7919 + 13));
  const cloud = createCloud(() => clock.now, random);
  const checker = createChecker(cloud, say);
  const world = createWorld({
    ...{ store, cloud, clock, checker, random, trace: say, use: { ...useCases, ...bug.use } },
    ...(bug.database === undefined ? {} : { database: bug.database }),
  });
  await prepare(store);
  const later = createRandom(seed + 5);
  const settle = (choose: Choose = (points) => ({ point: later.pick(points), how: "ok" })) =>
    settleWorld(world, cloud, checker, choose);
  async function finish(): Promise<number> {
    say("faults end");
    cloud.weather = fairWeather;
    const settledIn = await settle();
    await checkEnd({ store, cloud, checker, world, caller, settle });
    return settledIn;
  }
  return { world, cloud, checker, character, trace, say, settle, finish };
}

async function runSeed(scene: Scene, seed: number, steps: number, skip: ReadonlySet<number>): Promise<Result> {
  const { world, cloud, character, checker, say, trace, finish } = scene;
  cloud.weather = character.weather;
  let nth = 0;
  for (; nth < steps && checker.violations.length === 0; nth++) {
    if (skip.has(nth)) continue;
    say(`#${nth}`);
    await decide(world, cloud, character, createRandom(seed * 100_003 + nth), nth);
  }
  const settledIn = checker.violations.length === 0 ? await finish() : 0;
  return { seed, violations: checker.violations, trace, steps: nth, settledIn };
}

async function prepare(store: SimStore): Promise<void> {
  await store.look("insert into cairn.teams (team_id) values ('payments')");
  await store.look("insert into cairn.targets (environment, provider, config) values ('staging', 'aws', '{}')");
}

/** After the last fault: two sweep periods, a lease and a pause for each link of the longest chain of changes, and a margin. */
const patienceMs = 25 * 60_000;

/** Lets everything go on without faults until nothing is left to do, or law I3 is broken. Answers simulated seconds. */
async function settleWorld(
  world: World,
  cloud: Scene["cloud"],
  checker: Scene["checker"],
  choose: Choose,
): Promise<number> {
  const from = world.clock.now;
  const until = cloud.lastEnd() + patienceMs;
  while (checker.violations.length === 0) {
    const unanswered = world.requests.find(({ answer, run }) => answer === null && run === null);
    const points = world.points();
    world.clock.now += 1;
    if (points.length > 0) {
      const { point, how, ending } = choose(points);
      await world.deliver(point, how, ending);
    } else if (unanswered !== undefined) await world.send(unanswered);
    else if (!world.busy() && isTerminal(checker)) break;
    else await world.advance(world.nextEvent());
    if (world.clock.now > until) {
      const stuck = checker.snapshot.resources.filter(({ status }) => !terminal.has(status));
      const what = stuck.map(({ name, id, status }) => `${name} ${short(id)} ${status}`).join(", ");
      checker.report(
        "I3",
        `not terminal ${patienceMs / 60_000} minutes after the last fault: ${what || "an execution still runs"}`,
      );
    }
  }
  return (world.clock.now - from) / 1000;
}

const terminal = new Set(["READY", "FAILED", "DELETED"]);
const open = new Set(["PENDING", "RUNNING", "WAITING"]);

function isTerminal({ snapshot }: ReturnType<typeof createChecker>): boolean {
  return (
    snapshot.operations.every(({ status }) => !open.has(status)) &&
    snapshot.resources.every(({ status }) => terminal.has(status))
  );
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
