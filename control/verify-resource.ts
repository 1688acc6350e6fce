import type { Caller, Scope } from "../core/caller.ts";
import type { Executions } from "../core/executions.ts";
import type { ApiStore } from "../core/store.ts";

export type VerifyDeps = { store: ApiStore; executions: Executions; newId: () => string };

/** Nobody makes such a start good: a look is for who waits for it, and is to be asked for again. Its report has ended. */
export class LookNotStarted extends Error {
  override readonly name = "LookNotStarted";
}

/**
 * Starts a look at one resource, whose report will hold what it finds.
 *
 * @throws {LookNotStarted} with the cause, when the state machine cannot be started now
 */
export async function verifyResource(
  deps: VerifyDeps,
  caller: Caller,
  scope: Scope,
  resourceId: string,
): Promise<
  | { outcome: "started"; reportId: string }
  | { outcome: "not-found" }
  | { outcome: "not-ready" }
  | { outcome: "too-many" }
> {
  const reportId = deps.newId();
  const opened = await deps.store.openVerification(scope, caller, reportId, resourceId);
  if (opened !== "opened") return { outcome: opened };
  try {
    await deps.executions.start("drift", reportId, { run: reportId });
  } catch (cause) {
    await deps.store.withdrawVerification(scope, reportId);
    throw new LookNotStarted("The look could not be started.", { cause });
  }
  return { outcome: "started", reportId };
}
