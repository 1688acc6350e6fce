import { readFileSync } from "node:fs";
import { type FunctionName, machines } from "../../functions/manifest.ts";

type Value = { [member: string]: unknown };
type Retrier = {
  ErrorEquals: string[];
  IntervalSeconds: number;
  BackoffRate: number;
  MaxAttempts: number;
  MaxDelaySeconds: number;
};
type Catcher = { ErrorEquals: string[]; ResultPath: string; Next: string };
type State = {
  Type: string;
  Resource?: string;
  Parameters?: Value;
  ResultPath?: string | null;
  Retry?: Retrier[];
  Catch?: Catcher[];
  Choices?: { Variable: string; StringEquals?: string; IsPresent?: boolean; Next: string }[];
  Default?: string;
  SecondsPath?: string;
  Next?: string;
  End?: boolean;
};
type Definition = { StartAt: string; States: { [name: string]: State } };

export type Execution = {
  name: string;
  machine: "reconcile" | "drift";
  state: string;
  data: Value;
  /** How often each retrier of the current state was used. */
  retries: number[];
  status: "RUNNING" | "SUCCEEDED" | "FAILED" | "ABORTED";
};

/** What an execution does next: call a function, wait, or nothing any more. */
export type Next =
  | { does: "call"; task: FunctionName; input: Value }
  | { does: "wait"; seconds: number }
  | { does: "end" };

const definitions = Object.fromEntries(
  Object.entries(machines).map(([name, { definition }]) => [
    name,
    JSON.parse(readFileSync(new URL(`../../${definition}`, import.meta.url), "utf8")) as Definition,
  ]),
) as { [name in Execution["machine"]]: Definition };

export function startExecution(machine: Execution["machine"], name: string, input: object): Execution {
  return {
    name,
    machine,
    state: definitions[machine].StartAt,
    data: copy(input) as Value,
    retries: [],
    status: "RUNNING",
  };
}

/**
 * Amazon States Language as far as the product's own definitions use it, one transition at a time and without a clock of its
 * own: what takes time is for the scheduler to decide. Anything else in a definition is an error.
 */
export function step(execution: Execution): Next {
  for (;;) {
    const state = stateOf(execution);
    switch (state.Type) {
      case "Task":
        return { does: "call", task: taskOf(state), input: filled(state.Parameters ?? {}, execution.data) };
      case "Wait":
        return { does: "wait", seconds: Number(at(execution.data, state.SecondsPath ?? "")) };
      case "Choice": {
        const chosen = state.Choices?.find(({ Variable, StringEquals, IsPresent }) => {
          const value = at(execution.data, Variable);
          return IsPresent === undefined ? value === StringEquals : (value !== undefined) === IsPresent;
        });
        enter(execution, chosen?.Next ?? state.Default);
        break;
      }
      case "Succeed":
        execution.status = "SUCCEEDED";
        return { does: "end" };
      case "Fail":
        execution.status = "FAILED";
        return { does: "end" };
      default:
        throw new Error(`the stepper has no ${state.Type}`);
    }
  }
}

/** A wait is over. */
export function waited(execution: Execution): void {
  leave(execution);
}

export function succeeded(execution: Execution, result: unknown): void {
  const { ResultPath } = stateOf(execution);
  if (ResultPath === undefined) execution.data = copy(result ?? {}) as Value;
  else if (ResultPath !== null) put(execution, ResultPath, copy(result ?? null));
  leave(execution);
}

/**
 * A task ended in an error: Retry first, then Catch, by name.
 *
 * @returns the seconds until it is tried again, or null when it goes on at once (or has ended)
 */
export function failed(execution: Execution, error: string, random: () => number): number | null {
  const { Retry = [], Catch = [] } = stateOf(execution);
  const matches = (names: string[]) => names.includes(error) || names.includes("States.ALL");
  const index = Retry.findIndex(({ ErrorEquals }) => matches(ErrorEquals));
  const retrier = Retry[index];
  const used = execution.retries[index] ?? 0;
  if (retrier !== undefined && used < retrier.MaxAttempts) {
    execution.retries[index] = used + 1;
    const cap = Math.min(retrier.MaxDelaySeconds, retrier.IntervalSeconds * retrier.BackoffRate ** used);
    return random() * cap;
  }
  const catcher = Catch.find(({ ErrorEquals }) => matches(ErrorEquals));
  if (catcher === undefined) execution.status = "FAILED";
  else {
    put(execution, catcher.ResultPath, { Error: error, Cause: "" });
    enter(execution, catcher.Next);
  }
  return null;
}

function leave(execution: Execution): void {
  const { End, Next } = stateOf(execution);
  if (End === true) execution.status = "SUCCEEDED";
  else enter(execution, Next);
}

function enter(execution: Execution, next: string | undefined): void {
  if (next === undefined) throw new Error(`${execution.state} leads nowhere`);
  execution.state = next;
  execution.retries = [];
}

function stateOf({ machine, state }: Execution): State {
  const found = definitions[machine].States[state];
  if (found === undefined) throw new Error(`${machine} has no state ${state}`);
  return found;
}

function taskOf({ Resource = "" }: State): FunctionName {
  return Resource.replace(/^\$\{(.*)\}$/, "$1") as FunctionName;
}

function filled(template: Value, data: Value): Value {
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith(".$") ? [key.slice(0, -2), copy(at(data, String(value)))] : [key, value],
    ),
  );
}

/** `$.a.b[0]` */
function at(data: unknown, path: string): unknown {
  let value = data;
  for (const [, member, index] of path.matchAll(/\.(\w+)|\[(\d+)\]/g)) {
    value = (value as Value | undefined)?.[member ?? index ?? ""];
  }
  return value;
}

function put(execution: Execution, path: string, value: unknown): void {
  const [, member = ""] = /^\$\.(\w+)$/.exec(path) ?? [];
  execution.data = { ...execution.data, [member]: value };
}

function copy(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
