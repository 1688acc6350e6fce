import type { Executions } from "../core/executions.ts";
import type { OperationRef } from "../core/operation.ts";

/** An execution's name: taking an operation over raises its epoch, because a closed name stays taken for 90 days. */
export function executionName({ operation, epoch }: OperationRef): string {
  return `${operation}-${epoch}`;
}

/**
 * Starts an execution for each operation. A start that fails is left to the sweep, which finds the operation by its row.
 *
 * @returns how many were started now
 */
export async function startOperations(executions: Executions, operations: readonly OperationRef[]): Promise<number> {
  const results = await Promise.allSettled(
    operations.map((ref) => executions.start("reconcile", executionName(ref), { ...ref })),
  );
  return results.filter((result) => result.status === "fulfilled" && result.value === "started").length;
}
