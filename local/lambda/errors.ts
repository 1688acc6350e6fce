/** A function's error as Lambda reports it: what a caller reads as payload and a state machine as cause. */
export type LambdaError = { errorType: string; errorMessage: string; trace?: string[] };

/**
 * How an invocation ended. A `service` error is Lambda's own refusal (no such function, too large): the function never
 * ran. Step Functions puts `Lambda.` before its name, the Invoke API answers with a status above 399.
 */
export type InvokeResult =
  | { ok: true; payload: unknown }
  | { ok: false; by: "function" | "service"; requestId: string; error: LambdaError };

/** Bytes of a synchronous request, and of its answer, which Lambda counts with a little more room. */
export const maxRequestBytes = 6 * 1024 * 1024;
export const maxResponseBytes = maxRequestBytes + 100;

/** A thrown value in the shape the Node.js runtime gives it. */
export function thrown(value: unknown): LambdaError {
  if (!(value instanceof Error)) return { errorType: typeof value, errorMessage: String(value), trace: [] };
  return { errorType: value.name, errorMessage: value.message, trace: (value.stack ?? "").split("\n") };
}

/** Seconds with two digits, as in Lambda's message: `Task timed out after 3.00 seconds`. */
export function timedOut(requestId: string, seconds: number): LambdaError {
  return {
    errorType: "Sandbox.Timedout",
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`,
  };
}

/** The environment died under the invocation. */
export function exited(requestId: string, code: number): LambdaError {
  const how =
    code === 0 ? "Runtime exited without providing a reason" : `Runtime exited with error: exit status ${code}`;
  return { errorType: "Runtime.ExitError", errorMessage: `RequestId: ${requestId} Error: ${how}` };
}

export function responseTooLarge(): LambdaError {
  return {
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: `Response payload size exceeded maximum allowed payload size (${maxResponseBytes} bytes).`,
  };
}
