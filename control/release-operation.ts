import type { OperationRef } from "../core/operation.ts";
import { pauseSeconds } from "./pace.ts";
import { advance, type ReconcileDeps, reason, type Step } from "./reconcile-step.ts";

/**
 * After a step ended in an error that nobody expected: lets the operation wait for another try, and once it was too often asks
 * for a person (law F13). Only the error's name is kept: its message may hold anything.
 */
export function releaseOperation(
  deps: Omit<ReconcileDeps, "providers">,
  ref: OperationRef,
  error: string,
): Promise<Step> {
  return advance({ ...deps, providers: {} }, ref, {
    to: "stumbled",
    error: error.slice(0, 100),
    reason: reason(
      "NEEDS_ATTENTION",
      `Working on it ended in the same unexpected error (${error.slice(0, 100)}) ${deps.pace.maxAttempts} times.`,
    ),
    // It may have ended in the middle of a call.
    delaySeconds: Math.max(deps.pace.unansweredSeconds, pauseSeconds(deps.pace, 1, deps.random)),
    limit: deps.pace.maxAttempts,
  });
}
