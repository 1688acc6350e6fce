import type { JsonObject } from "./json.ts";

/** Starts state machines. Idempotent by name: a name that was used is `exists`, whatever became of it. */
export type Executions = {
  start(machine: "reconcile" | "drift", name: string, input: JsonObject): Promise<"started" | "exists">;
};
