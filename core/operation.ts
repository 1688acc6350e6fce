import type { Definition } from "./definition.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Reason } from "./resource.ts";

/** What an execution carries, and nothing else: ids and the fencing epoch. */
export type OperationRef = { team: string; operation: string; epoch: number };

export type OperationKind = "apply" | "delete";
export type OperationStatus = "PENDING" | "RUNNING" | "WAITING" | "SUCCEEDED" | "FAILED" | "SUPERSEDED";

/** Everything a worker needs to act on one operation, read in one round trip under its epoch. */
export type Work = {
  ref: OperationRef;
  kind: OperationKind;
  generation: number;
  attempt: number;
  /** How often this operation has waited or been taken over: widens the pause before the next try. */
  waits: number;
  token: string;
  tokenAgeSeconds: number | null;
  /** The provider's handle of a request in flight on this resource, whichever operation made it. */
  request: string | null;
  decidedHash: string;
  decisionAllows: boolean;
  /** A newer generation was accepted: this operation settles what it started and then makes room. */
  superseded: boolean;
  definition: Definition;
  resource: { id: string; team: string; service: string; environment: string; name: string; identifier: string | null };
  /** Outputs of what the definition references, by resource name. */
  dependencies: { [name: string]: { [key: string]: Json } };
  target: JsonObject | null;
};

/** How an operation goes on after a step. Written in one fenced statement; a lost epoch writes nothing. */
export type Progress =
  | { to: "ready"; identifier: string; outputs: { [key: string]: Json } }
  | { to: "deleted" }
  | { to: "failed"; reason: Reason; identifier?: string | undefined }
  /** A proven transient failure: the next try has a new token. */
  | { to: "next-attempt"; reason: Reason; delaySeconds: number }
  /** The same attempt goes on later: no budget, an open breaker, an unknown outcome. */
  | { to: "wait"; reason: Reason; delaySeconds: number }
  /** The provider took the request. */
  | { to: "sent"; request: string | null; identifier: string | null };
