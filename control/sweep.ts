import type { Executions } from "../core/executions.ts";
import type { WorkerStore } from "../core/store.ts";
import type { Pace } from "./pace.ts";
import { startOperations } from "./start-operations.ts";

/** How many operations one round takes over, and how many rounds one run makes: 1,000 a minute, more than are ever lost. */
const batch = 100;
const rounds = 10;

/**
 * Starts what was accepted and not started, takes over what lost its execution, resumes what is due. One round trip when
 * there is nothing to do.
 */
export async function sweep(deps: {
  store: WorkerStore;
  executions: Executions;
  pace: Pace;
}): Promise<{ due: number; started: number }> {
  let due = 0;
  let started = 0;
  for (let round = 0; round < rounds; round++) {
    const operations = await deps.store.sweep({ batch, graceSeconds: deps.pace.leaseSeconds });
    due += operations.length;
    started += await startOperations(deps.executions, operations);
    if (operations.length < batch) break;
  }
  return { due, started };
}
