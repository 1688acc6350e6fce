import { randomUUID } from "node:crypto";
import type { Arns } from "./arns.ts";
import { invalidMember, StatesError } from "./errors.ts";
import type { Execution, ExecutionsStore, Status } from "./executions-store.ts";
import { maxDataBytes, type RunningExecution } from "./run-execution.ts";

export type Context = {
  arns: Arns;
  store: ExecutionsStore;
  running: Map<number, RunningExecution>;
  /** Begins to run what was recorded. */
  run(execution: Execution): void;
  now(): number;
};

type Request = { readonly [member: string]: unknown };
export type Operation = (context: Context, request: Request) => object;

/** The calls that are answered. GetExecutionHistory will be one more. */
export const operations: { readonly [name: string]: Operation } = {
  StartExecution: startExecution,
  DescribeExecution: describeExecution,
  StopExecution: stopExecution,
  ListExecutions: listExecutions,
};

/** Idempotent by name: the same name and input is the same execution while it runs, and a conflict after that. */
export function startExecution(
  { arns, store, run, now }: Context,
  request: Request,
): { executionArn: string; startDate: number } {
  const machine = arns.machineOf(requiredText(request, "stateMachineArn"));
  const name = checkName(optionalText(request, "name") ?? randomUUID());
  const input = checkInput(optionalText(request, "input") ?? "{}");
  const { created, execution } = store.start(machine, name, input, now());
  if (created) run(execution);
  else if (execution.status !== "RUNNING" || execution.input !== input) {
    const executionArn = arns.execution(machine, name);
    throw new StatesError("ExecutionAlreadyExists", `Execution Already Exists: '${executionArn}'`);
  }
  return { executionArn: arns.execution(machine, name), startDate: seconds(execution.startedAt) };
}

function describeExecution(context: Context, request: Request): object {
  const execution = findExecution(context, request);
  const { input, output, error, cause } = execution;
  return {
    ...summary(context, execution),
    input,
    inputDetails: { included: true },
    ...(output === null ? {} : { output, outputDetails: { included: true } }),
    ...(error === null ? {} : { error }),
    ...(cause === null ? {} : { cause }),
  };
}

function stopExecution(context: Context, request: Request): object {
  const { store, running, now } = context;
  const { id, stoppedAt } = findExecution(context, request);
  if (stoppedAt !== null) return { stopDate: seconds(stoppedAt) };
  const error = optionalText(request, "error") ?? null;
  const cause = optionalText(request, "cause") ?? null;
  const at = now();
  store.end(id, { status: "ABORTED", error, cause }, at);
  running.get(id)?.abort();
  return { stopDate: seconds(at) };
}

/** Newest first. */
function listExecutions(context: Context, request: Request): object {
  const machine = context.arns.machineOf(requiredText(request, "stateMachineArn"));
  const status = (optionalText(request, "statusFilter") ?? null) as Status | null;
  const limit = pageSize(request.maxResults);
  const before = position(optionalText(request, "nextToken"));
  const found = context.store.list({ machine, status, before, limit: limit + 1 });
  const page = found.slice(0, limit);
  const nextToken = found.length > limit ? Buffer.from(String(page.at(-1)?.id)).toString("base64url") : undefined;
  return { executions: page.map((execution) => summary(context, execution)), nextToken };
}

function summary({ arns }: Context, { machine, name, status, startedAt, stoppedAt }: Execution): object {
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

function findExecution({ arns, store }: Context, request: Request): Execution {
  const arn = requiredText(request, "executionArn");
  const { machine, name } = arns.executionOf(arn);
  const execution = store.find(machine, name);
  if (execution === undefined) throw new StatesError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
  return execution;
}

/** White space, brackets, wildcards, special and control characters, and anything outside the first Unicode plane. */
const forbiddenInName = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\ud800-\udfff\ufffe\uffff]/u;

function checkName(name: string): string {
  const refused = name.length < 1 || name.length > 80 || forbiddenInName.test(name) || /[^\0-\uffff]/u.test(name);
  if (refused) throw new StatesError("InvalidName", `Invalid Name: '${name}'`);
  return name;
}

function checkInput(input: string): string {
  if (Buffer.byteLength(input) > maxDataBytes) {
    throw invalidMember("input", `have length less than or equal to ${maxDataBytes}`);
  }
  try {
    JSON.parse(input);
  } catch (error) {
    const message = `Invalid State Machine Execution Input: '${(error as Error).message}'`;
    throw new StatesError("InvalidExecutionInput", message);
  }
  return input;
}

function pageSize(asked: unknown): number {
  if (asked === undefined || asked === 0) return 100;
  if (typeof asked === "number" && Number.isInteger(asked) && asked > 0 && asked <= 1000) return asked;
  throw invalidMember("maxResults", "have value between 0 and 1000");
}

function position(token: string | undefined): number {
  if (token === undefined) return Number.MAX_SAFE_INTEGER;
  const id = Number(Buffer.from(token, "base64url").toString("utf8"));
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new StatesError("InvalidToken", `Invalid Token: '${token}'`);
}

function requiredText(request: Request, member: string): string {
  const value = optionalText(request, member);
  if (value === undefined) throw invalidMember(member, "not be null");
  return value;
}

function optionalText(request: Request, member: string): string | undefined {
  const value = request[member] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new StatesError("SerializationException", `${member} is not a string`);
}

/** The protocol's timestamps: seconds since 1970 with a fraction. */
function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
