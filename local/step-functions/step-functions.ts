import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { accessKeyOf, type Hear } from "../heard-call.ts";
import { listen, readBody } from "../http-server.ts";
import type { ReportFailure } from "../report-failures.ts";
import { createArns } from "./arns.ts";
import type { Context } from "./context.ts";
import { prepareDefinition } from "./definition.ts";
import { StatesError } from "./errors.ts";
import { type Execution, openExecutionsStore, processEnded } from "./executions-store.ts";
import { operations } from "./operations.ts";
import { type Invoke, type RunningExecution, runExecution } from "./run-execution.ts";
import { startExecution } from "./start-execution.ts";

export type StepFunctionsOptions = {
  /** The parsed definitions, by name; `${name}` in them stands for the function of that name. */
  machines: { readonly [name: string]: object };
  /** How a Task runs its function. */
  invoke: Invoke;
  /** The SQLite file that keeps used names, results and histories. */
  database: string;
  region: string;
  accountId: string;
  /** What every machine's name begins with. */
  namePrefix: string;
  port?: number | undefined;
  now?: (() => number) | undefined;
  report?: ReportFailure | undefined;
  hear?: Hear | undefined;
};

export type StepFunctions = {
  url: string;
  /** Put a machine's name behind it and it is the machine's ARN. */
  arnPrefix: string;
  /** Starts a machine by its plain name, as a scheduled rule does; answers the execution's ARN. */
  start(machine: string, input: unknown): string;
  /**
   * Lets executions end within `graceMs`; those left are ABORTED, as the next start would find them. Close it before the
   * functions that it invokes, or their end looks like their failure. A second call waits for the first.
   */
  close(graceMs?: number): Promise<void>;
};

/** Above every documented request: an input of 256 KiB, escaped. */
const maxRequestBytes = 2 * 1024 * 1024;

/** This machine's Step Functions: standard workflows over the AWS JSON 1.0 protocol, for the real client. */
export async function startStepFunctions(options: StepFunctionsOptions): Promise<StepFunctions> {
  const { invoke, database, region, accountId, namePrefix, port, now = Date.now } = options;
  const { report = console.error, hear } = options;
  const functionArn = (name: string) => `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  const definitions = Object.fromEntries(
    Object.entries(options.machines).map(([name, written]) => [name, prepareDefinition(name, written, functionArn)]),
  );
  const arns = createArns(region, accountId, namePrefix, Object.keys(definitions));
  const store = openExecutionsStore(database, now(), (error) => report("step-functions", error));
  const running = new Map<number, RunningExecution>();
  let closed: Promise<void> | undefined;
  const context: Context = { arns, store, running, run, now };
  const server = await listen((request, response) => void answer(context, request, response, { report, hear }), {
    port,
  }).catch((error) => {
    store.close();
    throw error;
  });
  return { url: server.url, arnPrefix: arns.prefix, start, close };

  function start(machine: string, input: unknown): string {
    return startExecution(context, { stateMachineArn: arns.machine(machine), input: JSON.stringify(input) })
      .executionArn;
  }

  function run({ id, machine, name, input }: Execution): void {
    const definition = definitions[machine];
    if (definition === undefined) throw new Error(`no definition for ${machine}`);
    const RoleArn = `arn:aws:iam::${accountId}:role/${machine}`;
    const heard: Invoke = (functionArn, payload) => {
      hear?.({ caller: RoleArn, action: "lambda:InvokeFunction", resource: functionArn, context: {} });
      return invoke(functionArn, payload);
    };
    const { ended, abort } = runExecution(
      definition,
      input,
      {
        Execution: { Id: arns.execution(machine, name), Name: name, RoleArn },
        StateMachine: { Id: arns.machine(machine), Name: `${namePrefix}${machine}` },
      },
      { invoke: heard, write: (event) => store.record(id, event), now },
    );
    const recorded = ended.then((ending) => {
      try {
        store.end(id, ending, now());
      } catch (error) {
        // A full disk: the name stays taken, and the next start finds the execution aborted.
        report("step-functions", error);
      }
      running.delete(id);
      return ending;
    });
    running.set(id, { ended: recorded, abort });
  }

  function close(graceMs = 2000): Promise<void> {
    closed ??= shutDown(graceMs);
    return closed;
  }

  async function shutDown(graceMs: number): Promise<void> {
    await server.close();
    const ends = [...running.values()].map(({ ended }) => ended);
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, graceMs);
    await Promise.race([Promise.all(ends), grace.promise]);
    clearTimeout(timer);
    for (const { abort } of running.values()) abort(undefined, processEnded);
    await Promise.all(ends);
    store.close();
  }
}

async function answer(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  { report, hear }: { report: ReportFailure; hear: Hear | undefined },
): Promise<void> {
  response.setHeader("x-amzn-requestid", randomUUID());
  response.setHeader("content-type", "application/x-amz-json-1.0");
  try {
    response.end(JSON.stringify(await perform(context, request, hear)));
  } catch (error) {
    const known = error instanceof StatesError;
    const name = known ? error.name : "InternalFailure";
    if (!known) report("step-functions", error);
    response.writeHead(known ? 400 : 500).end(JSON.stringify({ __type: name, message: (error as Error).message }));
  }
}

async function perform(context: Context, request: IncomingMessage, hear: Hear | undefined): Promise<object> {
  const target = String(request.headers["x-amz-target"] ?? "");
  const name = /^AWSStepFunctions\.(\w+)$/.exec(target)?.[1] ?? "";
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) throw new StatesError("UnknownOperationException", `no operation here: ${target}`);
  const body = await readBody(request, maxRequestBytes);
  if (body === "too-large") throw new StatesError("RequestEntityTooLargeException", "the request is too large");
  const input = parse(body);
  const resource = String(input.stateMachineArn ?? input.executionArn ?? "*");
  hear?.({ caller: accessKeyOf(request), action: `states:${name}`, resource, context: {} });
  return operation(context, input);
}

function parse(body: Buffer): { [member: string]: unknown } {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {}
  throw new StatesError("SerializationException", "the request is not a JSON object");
}
