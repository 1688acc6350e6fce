import type { Executions } from "../core/executions.ts";
import type { WorkerStore } from "../core/store.ts";
import type { Pace } from "./pace.ts";
import { startOperations } from "./start-operations.ts";

/** How many operations one round takes over, and how many rounds one run makes: 1,000 a minute, more than are ever lost. */
const batch = 100;
const rounds = 10;
/**
 * Between two rounds while a budget fills. It holds two seconds of its rate: with a pause as long, all that a round itself takes was
 * lost, a fifth of the rate on a busy machine.
 */
const pauseSeconds = 1;
/** Rounds in which nothing may go on before one ends that has let something through: its probe's answer lets everything through. */
const idleRounds = 6;

export type SweepDeps = {
  store: WorkerStore;
  executions: Executions;
  pace: Pace;
  /** Goes on for as long at the pace of the budgets and probes that operations wait for; left out, it ends when a batch is not full. */
  patience?: { seconds: number; sleep: (seconds: number) => Promise<void> } | undefined;
};

/**
 * Starts what was accepted and not started, takes over what lost its execution, resumes what is due or waited for a budget or
 * a breaker. One round trip when there is nothing to do.
 */
export async function sweep({
  store,
  executions,
  pace,
  patience,
}: SweepDeps): Promise<{ due: number; started: number }> {
  let due = 0;
  let started = 0;
  let left = patience?.seconds ?? 0;
  let idle = 0;
  for (let full = 0; ; ) {
    const operations = await store.sweep({ batch, graceSeconds: pace.leaseSeconds });
    due += operations.length;
    started += await startOperations(executions, operations);
    if (operations.length >= batch && ++full < rounds) continue;
    left -= pauseSeconds;
    idle = operations.length === 0 ? idle + 1 : 0;
    if (due === 0 || idle > idleRounds || patience === undefined || left < 0) return { due, started };
    await patience.sleep(pauseSeconds);
  }
}
