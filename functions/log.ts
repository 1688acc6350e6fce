import { AsyncLocalStorage } from "node:async_hooks";

export type Fields = { [name: string]: unknown };

/** What every line of one invocation says. Kept per chain of calls, because locally a function serves several at once. */
const scope = new AsyncLocalStorage<Fields>();

/** One line of JSON, as CloudWatch takes it. Fields are ids, counts, names and codes: never a value of a resource. */
export function log(level: "info" | "error", message: string, fields: Fields = {}): void {
  process.stdout.write(`${JSON.stringify({ level, message, ...scope.getStore(), ...fields })}\n`);
}

/** Runs `work`, whose lines say all of this, and what is around it. */
export function logging<T>(fields: Fields, work: () => T): T {
  return scope.run({ ...scope.getStore(), ...fields }, work);
}

/** From here on the lines of what runs now say this too. */
export function alsoLog(fields: Fields): void {
  Object.assign(scope.getStore() ?? {}, fields);
}
