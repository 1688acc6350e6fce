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
  /** Counts from 1, and from 1 again after somebody asked for another try. */
  attempt: number;
  /** How often this operation has waited: widens the pause before the next try. */
  waits: number;
  /** How often a step of it ended in an error that nobody expected. */
  stumbles: number;
  token: string;
  tokenAgeSeconds: number | null;
  /** The provider's handle of a request in flight on this resource, whichever operation made it. */
  request: string | null;
  /** Hash of the values behind what the provider holds, as far as it is known; null when nothing is. */
  sentHash: string | null;
  /**
   * What may be at the provider by earlier generations: the properties behind the last READY and of what failed since,
   * references as written. Only the members in which something may be missing from the definition.
   */
  applied: JsonObject[];
  decidedHash: string;
  /** A newer generation was accepted: this operation settles what it started and then makes room. */
  superseded: boolean;
  definition: Definition;
  resource: { id: string; team: string; service: string; environment: string; name: string; identifier: string | null };
  /** Outputs of what the definition references, by resource name. */
  dependencies: { [name: string]: { [key: string]: Json } };
  target: JsonObject | null;
  /** Seconds since the object was last READY; null when it never was, or this operation has asked for something itself. */
  readySeconds?: number | null | undefined;
  /** This operation is the one that a breaker lets through to see whether the provider answers again. */
  probing?: boolean | undefined;
};

/** How a provider answered, for its breaker: `throttled` is a 429, `failed` a 5xx or no answer at all. */
export type Answer = {
  answer: "answered" | "throttled" | "failed";
  code?: string | undefined;
  /** Calls of this step that its target's budget has not paid for yet. */
  beyond?: number | undefined;
};

/** How an operation goes on after a step. Written in one fenced statement; a lost epoch writes nothing. */
export type Progress =
  | { to: "ready"; identifier: string; outputs: { [key: string]: Json } }
  | { to: "deleted" }
  /** `proven`: the request under this token changed nothing, so a retry takes a new one. */
  | { to: "failed"; reason: Reason; proven: boolean; identifier?: string | undefined }
  /** A proven transient failure: the next try has a new token. */
  | { to: "next-attempt"; reason: Reason; delaySeconds: number }
  /** The same attempt goes on later, because its outcome is not known. */
  | { to: "wait"; reason: Reason; delaySeconds: number }
  /** A step ended in an error that nobody expected; `reason` is what the resource says if this was once too often. */
  | { to: "stumbled"; error: string; reason: Reason; delaySeconds: number; limit: number }
  /** The provider took the request. */
  | { to: "sent"; request: string | null; identifier: string | null }
  /** Nothing happened but that the provider answered, which closes the breaker that a probe is let through. */
  | { to: "answered" };
