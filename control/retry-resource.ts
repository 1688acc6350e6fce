import type { Caller, Scope } from "../core/caller.ts";
import type { Executions } from "../core/executions.ts";
import type { ResourceStatus } from "../core/resource.ts";
import type { ApiStore } from "../core/store.ts";
import { startOperations } from "./start-operations.ts";

export type PeopleDeps = { store: ApiStore; executions: Executions };

/** Another try of what failed, the quarantined included (law F13). One round trip; a start that fails is the sweep's to make good. */
export async function retryResource(
  { store, executions }: PeopleDeps,
  caller: Caller,
  scope: Scope,
  resourceId: string,
): Promise<{ outcome: "retried" } | { outcome: "not-found" } | { outcome: "not-failed"; status: ResourceStatus }> {
  const result = await store.retryResource(scope, caller, resourceId);
  if (result.outcome !== "retried") return result;
  await startOperations(executions, result.startable);
  return { outcome: "retried" };
}
