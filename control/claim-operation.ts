import type { OperationRef } from "../core/operation.ts";
import type { WorkerStore } from "../core/store.ts";
import type { Pace } from "./pace.ts";

/** Takes the lease of an operation for this execution. Anything but a claim ends the execution: it has nothing to do. */
export async function claimOperation(
  deps: { store: WorkerStore; pace: Pace },
  ref: OperationRef,
): Promise<{ next: "observe" | "end" }> {
  const { outcome } = await deps.store.claim(ref, deps.pace.leaseSeconds);
  return { next: outcome === "claimed" ? "observe" : "end" };
}
