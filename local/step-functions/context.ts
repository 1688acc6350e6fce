import type { Arns } from "./arns.ts";
import { StatesError } from "./errors.ts";
import type { Execution, ExecutionsStore } from "./executions-store.ts";
import { type Request, requiredText } from "./request.ts";
import type { RunningExecution } from "./run-execution.ts";

export type Context = {
  arns: Arns;
  store: ExecutionsStore;
  /** What runs now; an execution leaves it when its end is recorded. */
  running: Map<number, RunningExecution>;
  /** Begins to run what was recorded. */
  run(execution: Execution): void;
  now(): number;
};

/** @throws {StatesError} InvalidArn, ExecutionDoesNotExist */
export function findExecution({ arns, store }: Context, request: Request): Execution {
  const arn = requiredText(request, "executionArn");
  const { machine, name } = arns.executionOf(arn);
  const execution = store.find(machine, name);
  if (execution === undefined) throw new StatesError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
  return execution;
}

/** What DescribeExecution and ListExecutions both say. Nothing is ever redriven here. */
export function summary({ arns }: Context, { machine, name, status, startedAt, stoppedAt }: Execution): object {
  return {
    executionArn: arns.execution(machine, name),
    stateMachineArn: arns.machine(machine),
    name,
    status,
    startDate: seconds(startedAt),
    ...(stoppedAt === null ? {} : { stopDate: seconds(stoppedAt) }),
    redriveCount: 0,
  };
}

/** The protocol's timestamps: seconds since 1970 with a fraction. */
export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
