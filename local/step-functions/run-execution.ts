import { setImmediate as turn } from "node:timers/promises";
import { type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import type { InvokeResult } from "../lambda/errors.ts";
import { type Definition, type State, timeoutOf, walk } from "./definition.ts";
import type { Ending } from "./ending.ts";
import { type HistoryEvent, maxEvents, writeHistory } from "./history.ts";
import { StatesTimeout } from "./states-timeout.ts";

export type Invoke = (functionArn: string, payload: unknown) => Promise<InvokeResult>;

export type RunningExecution = { ended: Promise<Ending>; abort: (error?: string, cause?: string) => void };

export type ExecutionContext = {
  Execution: { Id: string; Name: string; RoleArn: string };
  StateMachine: { Id: string; Name: string };
};

export type RunDeps = {
  invoke: Invoke;
  /** Takes every event of the execution's history, in order; the last one before `ended` resolves. */
  write: (event: HistoryEvent) => void;
  now: () => number;
};

type Handler = (input: unknown) => Promise<unknown>;

/** UTF-8 bytes of an input, an output or what passes between states. */
export const maxDataBytes = 256 * 1024;

/**
 * Runs one execution on the interpreter and keeps its oddities inside: tasks are run by state name; what it starts after
 * nobody waits for it any more (a retry that was waiting) is not run; and a loop without a Task or a timer, which would never
 * give the event loop back, ends where AWS ends it, at 25,000 events.
 */
export function runExecution(
  definition: Definition,
  input: string,
  context: ExecutionContext,
  { invoke, write, now }: RunDeps,
): RunningExecution {
  let aborted: Ending | undefined;
  const resources = new Map<string, string>();
  const handlers: { [state: string]: Handler } = {};
  walk(definition, (name, state) => {
    if (state.Resource !== undefined) resources.set(name, state.Resource);
    if (state.Type === "Task") handlers[name] = (event) => withinTime(state, event, runTask(name, state, event));
  });
  const history = writeHistory({ definition, input, roleArn: context.Execution.RoleArn, write, full, now });
  const machine = new StateMachine(definition as unknown as StateMachineDefinition, {
    validationOptions: { noValidate: true }, // tests validate the files; at run time it is time lost
  });
  const run = machine.run(JSON.parse(input), {
    context,
    overrides: {
      taskResourceLocalHandlers: handlers as NonNullable<RunOptions["overrides"]>["taskResourceLocalHandlers"],
    },
  } as RunOptions);
  const ended = Promise.all([run.result.then(succeeded, failed), follow()]).then(([own]) => {
    const ending = aborted ?? own;
    history.end(ending);
    return ending;
  });
  return { ended, abort: (error, cause) => abort({ status: "ABORTED", error: error ?? null, cause: cause ?? null }) };

  async function runTask(name: string, { Resource = "" }: State, event: unknown): Promise<unknown> {
    checkSize(event, `The state/task '${name}' is given an input`);
    await turn(); // by then the log has told of the state that called this
    const attempt = aborted === undefined ? history.attempt(name, event) : undefined;
    if (attempt === undefined) return null;
    try {
      const result = await invoke(Resource, event);
      if (!result.ok) throw taskError(result);
      checkSize(result.payload, `The state/task '${Resource}' returned a result`);
      attempt.succeeded(result.payload);
      return result.payload;
    } catch (error) {
      attempt.failed((error as Error).name, (error as Error).message);
      throw error;
    }
  }

  function abort(ending: Ending): void {
    aborted ??= ending;
    run.abort();
  }

  function full(): void {
    const cause = `The execution reached the maximum number of history events (${maxEvents}).`;
    abort({ status: "FAILED", error: "States.Runtime", cause });
  }

  async function follow(): Promise<void> {
    for await (const event of run.eventLogs) {
      if (aborted !== undefined) continue;
      if (event.type === "StateExited" && isTooLarge(event.state.output)) {
        const { name } = event.state;
        const cause = `The state/task '${resources.get(name) ?? name}' returned a result ${overLimit}`;
        abort({ status: "FAILED", error: "States.DataLimitExceeded", cause });
      } else history.tell(event);
    }
  }
}

function succeeded(result: unknown): Ending {
  return { status: "SUCCEEDED", output: JSON.stringify(result) ?? "null" };
}

function failed(error: Error): Ending {
  if (error.name === "ExecutionTimeoutError") return { status: "TIMED_OUT" };
  const { name, message } = error.cause instanceof Error ? error.cause : error;
  // A Fail state without Error and Cause gets the interpreter's words for them; AWS reports none.
  if (name === "FailStateError") return { status: "FAILED", error: null, cause: null };
  return { status: "FAILED", error: name, cause: message === "" ? null : message };
}

/**
 * Ends a Task that takes too long. The interpreter has a timer of its own for the same time, but this one is set before it,
 * and Node lets what was set first fire first.
 */
function withinTime<Result>(state: State, input: unknown, task: Promise<Result>): Promise<Result> {
  const seconds = timeoutOf(state, input);
  if (seconds === undefined) return task;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(Object.assign(new StatesTimeout(), { message: "" })), seconds * 1000);
  return Promise.race([task, late.promise]).finally(() => clearTimeout(timer));
}

/** The error's name is what Retry and Catch go by, its message the Cause: the function's error as JSON text. */
function taskError({ by, error }: Extract<InvokeResult, { ok: false }>): Error {
  const name = by === "service" ? `Lambda.${error.errorType}` : error.errorType;
  const cause = by === "service" ? error.errorMessage : JSON.stringify(error);
  return Object.assign(new Error(cause), { name });
}

const overLimit = "with a size exceeding the maximum number of bytes service limit.";

/** Neither retried nor caught, on AWS as here. */
function checkSize(value: unknown, what: string): void {
  if (!isTooLarge(value)) return;
  const error = new Error(`${what} ${overLimit}`);
  throw Object.assign(error, { name: "States.DataLimitExceeded", isRetryable: false, isCatchable: false });
}

function isTooLarge(value: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(value) ?? "") > maxDataBytes;
}
