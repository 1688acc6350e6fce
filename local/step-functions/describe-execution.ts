import { type Context, findExecution, summary } from "./context.ts";
import type { Request } from "./request.ts";

export function describeExecution(context: Context, request: Request): object {
  const execution = findExecution(context, request);
  const { input, output, error, cause, status } = execution;
  const redrivable = status !== "RUNNING" && status !== "SUCCEEDED";
  return {
    ...summary(context, execution),
    input,
    inputDetails: { included: true },
    ...(output === null ? {} : { output, outputDetails: { included: true } }),
    ...(error === null ? {} : { error }),
    ...(cause === null ? {} : { cause }),
    ...(redrivable
      ? { redriveStatus: "REDRIVABLE" }
      : { redriveStatus: "NOT_REDRIVABLE", redriveStatusReason: `Execution is ${status} and cannot be redriven` }),
  };
}
