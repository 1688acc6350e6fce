import type { Database } from "../../database/data-api.ts";
import { createChecker, short } from "./checker.ts";
import { createCloud, fairWeather } from "./cloud.ts";
import { checkEnd } from "./end.ts";
import { createRandom } from "./random.ts";
import { caller, characterOf, decide } from "./schedule.ts";
import { beginning, openStore, type SimStore } from "./store.ts";
import { type UseCases, useCases } from "./tasks.ts";
import type { Violation } from "./violation.ts";
import { createWorld, type World } from "./world.ts";

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
  close(): Promise<void>;
};

/** @param patch changes migrations' and statements' text, and `bug` wraps what is run: for planted bugs alone. */
export async function openSimulation(bug: Bug = {}, patch?: (sql: string) => string): Promise<Simulation> {
  const clock = { now: beginning };
  const store = await openStore(() => clock.now, patch);
  return {
    run: (seed, steps, skip = new Set()) => underClock(clock, () => runSeed(store, clock, bug, seed, steps, skip)),
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

async function runSeed(
  store: SimStore,
  clock: { now: number },
  bug: Bug,
  seed: number,
  steps: number,
  skip: ReadonlySet<number>,
): Promise<Result> {
  clock.now = beginning;
  await store.reset(seed);
  const trace: string[] = [];
  const say = (line: string) => trace.push(`${((clock.now - beginning) / 1000).toFixed(3).padStart(10)} ${line}`);
  const world0 = createRandom(seed * 2 + 1);
  const character = characterOf(createRandom(seed * 7919 + 13));
  const cloud = createCloud(() => clock.now, world0);
  const checker = createChecker(store, cloud, say);
  const world = createWorld({
    store,
    cloud,
    clock,
    checker,
    random: world0,
    trace: say,
    use: { ...useCases, ...bug.use },
    ...(bug.database === undefined ? {} : { database: bug.database }),
  });
  cloud.weather = character.weather;
  await prepare(store);

  let nth = 0;
  for (; nth < steps && checker.violations.length === 0; nth++) {
    if (skip.has(nth)) continue;
    say(`#${nth}`);
    await decide(world, cloud, character, createRandom(seed * 100_003 + nth), nth);
  }
  say(`faults end`);
  cloud.weather = fairWeather;
  const settledIn = checker.violations.length === 0 ? await settle(world, cloud, checker, seed) : 0;
  if (checker.violations.length === 0)
    await checkEnd({ store, cloud, checker, world, caller, settle: () => settle(world, cloud, checker, seed) });
  return { seed, violations: checker.violations, trace, steps: nth, settledIn };
}

async function prepare(store: SimStore): Promise<void> {
  await store.look("insert into cairn.teams (team_id) values ('payments')");
  await store.look("insert into cairn.targets (environment, provider, config) values ('staging', 'aws', '{}')");
}

/** After the last fault: two sweep periods, a lease and a pause for each link of the longest chain of changes, and a margin. */
const patienceMs = 25 * 60_000;

/** Lets everything go on without faults until nothing is left to do, or law I3 is broken. Answers simulated seconds. */
async function settle(
  world: World,
  cloud: ReturnType<typeof createCloud>,
  checker: ReturnType<typeof createChecker>,
  seed: number,
): Promise<number> {
  const random = createRandom(seed + 5);
  const from = world.clock.now;
  const until = cloud.lastEnd() + patienceMs;
  while (checker.violations.length === 0) {
    const unanswered = world.requests.find(({ answer, run }) => answer === null && run === null);
    const points = world.points();
    world.clock.now += 1;
    if (points.length > 0) await world.deliver(random.pick(points), "ok");
    else if (unanswered !== undefined) await world.send(unanswered);
    else if (!world.busy() && isTerminal(checker)) return (world.clock.now - from) / 1000;
    else await world.advance(world.nextEvent());
    if (world.clock.now > until) {
      const stuck = checker.snapshot.resources.filter(({ status }) => !terminal.has(status));
      checker.report(
        "I3",
        `not terminal ${patienceMs / 60_000} minutes after the last fault: ${stuck.map(({ name, id, status }) => `${name} ${short(id)} ${status}`).join(", ") || "an execution still runs"}`,
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
