import { randomUUID } from "node:crypto";
import { type Context, seconds } from "./context.ts";
import { invalidMember, StatesError } from "./errors.ts";
import { optionalText, type Request, requiredText } from "./request.ts";
import { maxDataBytes } from "./run-execution.ts";

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
