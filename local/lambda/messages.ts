import type { LambdaError } from "./errors.ts";

/** What a worker is told when it starts. */
export type WorkerSettings = {
  /** URL of the module with the export `handler`. */
  entry: string;
  functionName: string;
  functionArn: string;
  memoryMb: number;
  /** Where V8 keeps compiled code between starts; Node's own choice when null. */
  compileCache: string | null;
};

/** JSON travels as text: both sides parse it, so nothing but JSON ever crosses, as on AWS. */
export type ToWorker = { id: number; requestId: string; event: string; deadline: number };

export type FromWorker =
  | { kind: "ready" }
  /** The module could not be loaded, or something nobody awaited failed: the environment is lost. */
  | { kind: "crashed"; error: LambdaError }
  | { kind: "result"; id: number; payload: string }
  | { kind: "error"; id: number; error: LambdaError };
