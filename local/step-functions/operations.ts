import type { Context } from "./context.ts";
import { describeExecution } from "./describe-execution.ts";
import { getExecutionHistory } from "./get-execution-history.ts";
import { listExecutions } from "./list-executions.ts";
import type { Request } from "./request.ts";
import { startExecution } from "./start-execution.ts";
import { stopExecution } from "./stop-execution.ts";

export type Operation = (context: Context, request: Request) => object | Promise<object>;

/** The calls that are answered. */
export const operations: { readonly [name: string]: Operation } = {
  StartExecution: startExecution,
  DescribeExecution: describeExecution,
  StopExecution: stopExecution,
  ListExecutions: listExecutions,
  GetExecutionHistory: getExecutionHistory,
};
