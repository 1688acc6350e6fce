import type { Caller, Scope } from "../core/caller.ts";
import type { AbandonResult } from "../core/store.ts";
import type { PeopleDeps } from "./retry-resource.ts";
import { startOperations } from "./start-operations.ts";

/** Removes a resource's record, and starts what waited for its end. What may be left outside becomes an orphan. */
export async function abandonResource(
  { store, executions }: PeopleDeps,
  caller: Caller,
  scope: Scope,
  resourceId: string,
): Promise<AbandonResult> {
  const result = await store.abandonResource(scope, caller, resourceId);
  if (result.outcome === "abandoned") await startOperations(executions, result.startable);
  return result;
}
