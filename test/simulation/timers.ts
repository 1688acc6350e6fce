import { AsyncLocalStorage } from "node:async_hooks";
import type { Run, Timer } from "./run.ts";

const current = new AsyncLocalStorage<Run>();

/** What a run sets a timer for is the schedule's affair from then on. */
export function inRun<T>(run: Run, work: () => T): T {
  return current.run(run, work);
}

/** Timers that a run sets go by the schedule's clock and die with the run; the engine's own stay what they are. */
export function takeTimers(clock: { now: number }): () => void {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const set = (fire: () => void, milliseconds = 0): unknown => {
    const run = current.getStore();
    if (run === undefined) return real.setTimeout(fire, milliseconds);
    const timer: Timer = { at: clock.now + milliseconds, fire };
    if (run.state === "running") run.timers.push(timer);
    return timer;
  };
  const clear = (timer: unknown): void => {
    const run = current.getStore();
    if (run === undefined) real.clearTimeout(timer as NodeJS.Timeout);
    else run.timers = run.timers.filter((one) => one !== timer);
  };
  globalThis.setTimeout = set as typeof setTimeout;
  globalThis.clearTimeout = clear as typeof clearTimeout;
  return () => {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
  };
}
