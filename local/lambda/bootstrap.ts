// Runs inside a worker thread: loads one function's module and serves its invocations, as Lambda's Node.js runtime does.
import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { type LambdaError, maxResponseBytes, responseTooLarge, thrown } from "./errors.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";

type Handler = (event: unknown, context: object) => unknown;

const settings = workerData as WorkerSettings;
enableCompileCache(settings.compileCache ?? undefined);

process.on("uncaughtException", (error) => crash(thrown(error)));
process.on("unhandledRejection", (reason) => {
  const { errorMessage, errorType, trace = [] } = thrown(reason);
  crash({ errorType: "Runtime.UnhandledPromiseRejection", errorMessage: `${errorType}: ${errorMessage}`, trace });
});

const handler = await loadHandler();
parentPort?.on("message", (message: ToWorker) => void serve(message));
tell({ kind: "ready" });

async function loadHandler(): Promise<Handler> {
  try {
    const module = (await import(settings.entry)) as { handler?: unknown };
    if (typeof module.handler === "function") return module.handler as Handler;
    const errorMessage = `${settings.functionName}.handler is undefined or not exported`;
    return crash({ errorType: "Runtime.HandlerNotFound", errorMessage, trace: [] });
  } catch (error) {
    return crash(loadError(error));
  }
}

async function serve({ id, requestId, event, deadline }: ToWorker): Promise<void> {
  try {
    const result = await handler(JSON.parse(event), contextOf(requestId, deadline));
    tell(answer(id, result));
  } catch (error) {
    tell({ kind: "error", id, error: thrown(error) });
  }
}

function answer(id: number, result: unknown): FromWorker {
  let payload: string;
  try {
    payload = JSON.stringify(result) ?? "null";
  } catch (error) {
    return { kind: "error", id, error: { ...thrown(error), errorType: "Runtime.MarshalError" } };
  }
  if (Buffer.byteLength(payload) > maxResponseBytes) return { kind: "error", id, error: responseTooLarge() };
  return { kind: "result", id, payload };
}

function contextOf(awsRequestId: string, deadline: number): object {
  return {
    awsRequestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: settings.functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: settings.functionArn,
    logGroupName: `/aws/lambda/${settings.functionName}`,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: String(settings.memoryMb),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function loadError(error: unknown): LambdaError {
  const found = thrown(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_MODULE_NOT_FOUND") return { ...found, errorType: "Runtime.ImportModuleError" };
  if (error instanceof SyntaxError) return { ...found, errorType: "Runtime.UserCodeSyntaxError" };
  return found;
}

function crash(error: LambdaError): never {
  tell({ kind: "crashed", error });
  process.exit(129);
}

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}
