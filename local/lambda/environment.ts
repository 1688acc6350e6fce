import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import { exited, type InvokeResult, type LambdaError, timedOut } from "./errors.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";

/** One execution environment: a worker thread with one function loaded, and what it is working on. */
export type Environment = {
  /** False once it is lost or has let an invocation time out: the next one goes to a fresh environment. */
  usable(): boolean;
  invoke(event: string): Promise<InvokeResult>;
  /** Resolves once it has loaded, or with the error that kept it from loading. */
  loaded: Promise<LambdaError | undefined>;
  /** Ends it. What it was working on ends as if the environment had died. */
  stop(): Promise<void>;
  /** Resolves when the thread is gone. */
  gone: Promise<void>;
};

export type EnvironmentOptions = WorkerSettings & {
  timeoutSeconds: number;
  variables: { readonly [name: string]: string };
  log?: ((text: string) => void) | undefined;
};

type Invocation = {
  requestId: string;
  event: string;
  started: boolean;
  timer: NodeJS.Timeout | undefined;
  end: (result: InvokeResult) => void;
};

/** Lambda allows loading this long, beside the function's own timeout. */
const initSeconds = 10;

/**
 * Starts a thread for a function. Differences to AWS: it serves several invocations at once where AWS gives each an
 * environment of its own, so module state is shared among them, and what kills the environment (an exit, a rejection
 * nobody handled) ends all of them. After a timeout the thread takes no new invocation and is ended with its last one.
 */
export function startEnvironment(options: EnvironmentOptions): Environment {
  const { timeoutSeconds, variables, log, ...settings } = options;
  const invocations = new Map<number, Invocation>();
  const loaded = Promise.withResolvers<LambdaError | undefined>();
  let state: "loading" | "ready" | "retired" | "gone" = "loading";
  let crash: LambdaError | undefined;
  let lastId = 0;

  const worker = new Worker(new URL("./bootstrap.ts", import.meta.url), {
    name: settings.functionName,
    workerData: settings,
    env: variables,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdout: log !== undefined,
    stderr: log !== undefined,
  });
  if (log !== undefined)
    for (const stream of [worker.stdout, worker.stderr]) stream.setEncoding("utf8").on("data", log);
  worker.on("message", receive);
  worker.on("error", (error: Error) => {
    crash ??= { errorType: "Runtime.ExitError", errorMessage: error.message };
  });
  const gone = new Promise<void>((resolve) => worker.on("exit", (code) => resolve(lose(code))));

  return { usable: () => state === "loading" || state === "ready", invoke, loaded: loaded.promise, stop, gone };

  function invoke(event: string): Promise<InvokeResult> {
    return new Promise((end) => {
      lastId += 1;
      const invocation: Invocation = { requestId: randomUUID(), event, started: false, timer: undefined, end };
      invocations.set(lastId, invocation);
      if (state === "ready") send(lastId, invocation);
      else limit(lastId, invocation, timeoutSeconds + initSeconds);
    });
  }

  function send(id: number, invocation: Invocation): void {
    invocation.started = true;
    const deadline = Date.now() + timeoutSeconds * 1000;
    const message: ToWorker = { id, requestId: invocation.requestId, event: invocation.event, deadline };
    limit(id, invocation, timeoutSeconds);
    worker.postMessage(message);
  }

  function limit(id: number, invocation: Invocation, seconds: number): void {
    clearTimeout(invocation.timer);
    invocation.timer = setTimeout(() => {
      state = "retired";
      fail(id, timedOut(invocation.requestId, timeoutSeconds));
    }, seconds * 1000);
  }

  function receive(message: FromWorker): void {
    if (message.kind === "crashed") {
      crash = message.error;
      // Why a function does not load is in the log, whatever its caller was told. What ends one at work may quote a value.
      if (state === "loading") log?.(`does not load: ${crash.errorType}: ${crash.errorMessage}`);
      state = "retired";
    } else if (message.kind === "ready") {
      // A worker that became ready after its first invocation gave up still serves the others.
      if (state === "loading") state = "ready";
      loaded.resolve(undefined);
      for (const [id, invocation] of invocations) if (!invocation.started) send(id, invocation);
    } else if (message.kind === "result") {
      end(message.id, () => ({ ok: true, payload: JSON.parse(message.payload) }));
    } else fail(message.id, message.error);
  }

  function fail(id: number, error: LambdaError): void {
    end(id, ({ requestId }) => ({ ok: false, by: "function", requestId, error }));
  }

  function end(id: number, result: (invocation: Invocation) => InvokeResult): void {
    const invocation = invocations.get(id);
    if (invocation === undefined) return; // it timed out, and the late answer is of no use to anyone
    clearTimeout(invocation.timer);
    invocations.delete(id);
    invocation.end(result(invocation));
    if (state === "retired" && invocations.size === 0) void worker.terminate();
  }

  function lose(code: number): void {
    state = "gone";
    loaded.resolve(crash ?? exited("", code));
    for (const [id, { requestId }] of invocations) fail(id, crash ?? exited(requestId, code));
  }

  async function stop(): Promise<void> {
    if (state !== "gone") state = "retired";
    await worker.terminate();
    await gone;
  }
}
