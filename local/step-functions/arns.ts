import { StatesError } from "./errors.ts";

export type Arns = {
  /** Put a machine's name behind it and it is the machine's ARN. */
  prefix: string;
  machine(name: string): string;
  execution(machine: string, name: string): string;
  /** @throws {StatesError} InvalidArn, StateMachineDoesNotExist */
  machineOf(arn: string): string;
  /** @throws {StatesError} InvalidArn, ExecutionDoesNotExist */
  executionOf(arn: string): { machine: string; name: string };
};

const machinePattern = /^arn:aws:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_.-]{1,80}$/;
const executionPattern = /^arn:aws:states:[a-z0-9-]+:\d{12}:execution:([A-Za-z0-9_.-]{1,80}):([^:]{1,80})$/;

/** The names of one account's machines, `namePrefix` and all. */
export function createArns(region: string, accountId: string, namePrefix: string, machines: readonly string[]): Arns {
  const base = `arn:aws:states:${region}:${accountId}`;
  const prefix = `${base}:stateMachine:${namePrefix}`;
  const known = new Map(machines.map((name) => [`${prefix}${name}`, name]));
  return {
    prefix,
    machine: (name) => `${prefix}${name}`,
    execution: (machine, name) => `${base}:execution:${namePrefix}${machine}:${name}`,
    machineOf: (arn) => {
      if (!machinePattern.test(arn)) throw new StatesError("InvalidArn", `Invalid Arn: '${arn}'`);
      const name = known.get(arn);
      if (name !== undefined) return name;
      throw new StatesError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
    },
    executionOf: (arn) => {
      const [, machine, name = ""] = executionPattern.exec(arn) ?? [];
      if (machine === undefined) throw new StatesError("InvalidArn", `Invalid Arn: '${arn}'`);
      const found = known.get(`${base}:stateMachine:${machine}`);
      if (found !== undefined && arn.startsWith(`${base}:`)) return { machine: found, name };
      throw new StatesError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
    },
  };
}
