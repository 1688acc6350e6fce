import type { Caller, Scope } from "../core/caller.ts";
import type { Executions } from "../core/executions.ts";
import type { ApiStore } from "../core/store.ts";

export type VerifyDeps = { store: ApiStore; executions: Executions; newId: () => string };

/**
 * Starts a look at one resource, whose report will hold what it finds. A failed start is made good by nobody: ask again. Its report
 * ends with a later run.
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
  await deps.executions.start("drift", reportId, { run: reportId });
  return { outcome: "started", reportId };
}
