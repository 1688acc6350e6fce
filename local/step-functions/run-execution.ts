import { type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import type { InvokeResult } from "../lambda/errors.ts";
import { type Definition, walk } from "./definition.ts";

export type Invoke = (functionArn: string, payload: unknown) => Promise<InvokeResult>;

/** How an execution ended. */
export type Ending =
  | { status: "SUCCEEDED"; output: string }
  | { status: "FAILED"; error: string | null; cause: string | null }
  /** AWS reports neither error nor cause here. */
  | { status: "TIMED_OUT" }
  | { status: "ABORTED"; error: string | null; cause: string | null };

export type RunningExecution = { ended: Promise<Ending>; abort: (error?: string, cause?: string) => void };

export type ExecutionContext = {
  Execution: { Id: string; Name: string; RoleArn: string };
  StateMachine: { Id: string; Name: string };
};

type Handler = (input: unknown) => Promise<unknown>;

/** UTF-8 bytes of an input, an output or what passes between states. */
export const maxDataBytes = 256 * 1024;
const maxEvents = 25_000;
/** Entered and exited; a Task also has scheduled, started and succeeded. */
const eventsOf = (stateType: string) => (stateType === "Task" ? 5 : 2);

/**
 * Runs one execution on the interpreter and keeps its oddities inside: tasks are run by state name; what it starts
 * after an abort (a retry that was waiting) is not run; and a loop without a Task or a timer, which would never give
 * the event loop back, ends where AWS ends it, at 25,000 events.
 */
export function runExecution(
  definition: Definition,
  input: unknown,
  context: ExecutionContext,
  invoke: Invoke,
): RunningExecution {
  let aborted: Ending | undefined;
  let over = false;
  const handlers: { [state: string]: Handler } = {};
  walk(definition, (name, { Type, Resource = "" }) => {
    if (Type === "Task") handlers[name] = (event) => (over ? Promise.resolve(null) : runTask(name, Resource, event));
  });

  const machine = new StateMachine(definition as unknown as StateMachineDefinition, {
    validationOptions: { noValidate: true }, // tests validate the files; at run time it is time lost
  });
  const run = machine.run(
    input as null,
    {
      context,
      overrides: {
        taskResourceLocalHandlers: handlers as NonNullable<RunOptions["overrides"]>["taskResourceLocalHandlers"],
      },
    } as RunOptions,
  );
  const ended = run.result.then(succeeded, failed).finally(() => {
    over = true;
  });
  void countEvents();
  return { ended, abort: (error, cause) => abort({ status: "ABORTED", error: error ?? null, cause: cause ?? null }) };

  async function runTask(state: string, functionArn: string, event: unknown): Promise<unknown> {
    checkSize(state, event, "is given an input");
    const result = await invoke(functionArn, event);
    if (!result.ok) throw taskError(result);
    checkSize(state, result.payload, "returned a result");
    return result.payload;
  }

  function abort(ending: Ending): void {
    if (over) return;
    aborted ??= ending;
    over = true;
    run.abort();
  }

  function succeeded(result: unknown): Ending {
    const output = JSON.stringify(result) ?? "null";
    if (Buffer.byteLength(output) <= maxDataBytes) return { status: "SUCCEEDED", output };
    return { status: "FAILED", error: "States.DataLimitExceeded", cause: tooLarge("the execution", "has an output") };
  }

  function failed(error: Error): Ending {
    if (error.name === "ExecutionAbortedError") return aborted ?? { status: "ABORTED", error: null, cause: null };
    if (error.name === "ExecutionTimeoutError") return { status: "TIMED_OUT" };
    const { name, message } = error.cause instanceof Error ? error.cause : error;
    // A Fail state without Error and Cause gets the interpreter's words for them; AWS reports none.
    if (name === "FailStateError") return { status: "FAILED", error: null, cause: null };
    return { status: "FAILED", error: name, cause: message };
  }

  async function countEvents(): Promise<void> {
    let events = 0;
    for await (const event of run.eventLogs) {
      if (event.type === "StateEntered") events += eventsOf(event.state.type);
      if (events < maxEvents) continue;
      const cause = `The execution reached the maximum number of history events (${maxEvents}).`;
      return abort({ status: "FAILED", error: "States.Runtime", cause });
    }
  }
}

/** The error's name is what Retry and Catch go by, its message the Cause: the function's error as JSON text. */
function taskError({ by, error }: Extract<InvokeResult, { ok: false }>): Error {
  const name = by === "service" ? `Lambda.${error.errorType}` : error.errorType;
  const cause = by === "service" ? error.errorMessage : JSON.stringify(error);
  return Object.assign(new Error(cause), { name });
}

/** Neither retried nor caught, on AWS as here. */
function checkSize(state: string, value: unknown, does: string): void {
  if (Buffer.byteLength(JSON.stringify(value) ?? "") <= maxDataBytes) return;
  const error = new Error(tooLarge(`The state/task '${state}'`, does));
  throw Object.assign(error, { name: "States.DataLimitExceeded", isRetryable: false, isCatchable: false });
}

function tooLarge(what: string, does: string): string {
  return `${what} ${does} with a size exceeding the maximum number of bytes service limit.`;
}
