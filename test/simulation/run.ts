import type { Port } from "./delivery.ts";
import type { Execution } from "./machine.ts";
import type { ApiRequest } from "./requests.ts";
import type { Side } from "./sides.ts";

/** Where a run stands still: it has called a port, and the schedule decides what becomes of the call. */
export type Point = {
  run: Run;
  port: Port;
  label: string;
  /** Whose call it is, and of which part of it; null where it is no provider's. */
  at: { side: Side; service: string | null } | null;
  perform(): Promise<unknown>;
  /** The call is lost on its way, or while it is worked on. */
  cutOff?: (() => void) | undefined;
  resolve(value: unknown): void;
  reject(error: Error): void;
  /** A call without an answer: when its deadline ends it. */
  hangsUntil: number | null;
};

export type Timer = { at: number; fire: () => void };

/** One invocation of a function. */
export type Run = {
  id: number;
  what: string;
  /** The operation that it works on. */
  operation: string | null;
  startedAt: number;
  deadline: number;
  points: Point[];
  /** Calls of a provider that did not succeed. */
  failed: Set<string>;
  timers: Timer[];
  state: "running" | "ended" | "dead";
  /** The execution that waits for it; null for the API, the sweep, and what was given up while it still ran. */
  held: Held | null;
  request: ApiRequest | null;
};

export type Held = { execution: Execution; run: Run | null; resumeAt: number | null };
