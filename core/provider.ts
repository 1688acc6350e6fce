import type { Json, JsonObject } from "./json.ts";

/** One resource as a provider sees it. Values are resolved: no reference is left in `desired`. */
export type ProviderCall = {
  resourceId: string;
  team: string;
  service: string;
  environment: string;
  name: string;
  /** The provider's own type: `AWS::S3::Bucket`. */
  kind: string;
  /** The derived name, by which an interrupted create is found again. */
  externalName: string;
  /** The external object's identifier, once one is known. */
  identifier: string | null;
  desired: JsonObject;
  /** The target's configuration, as the platform team set it: account, region, role, cluster, … */
  target: JsonObject;
  /** Persisted before any call, the same for the same (resource, generation, kind, attempt). */
  token: string;
  /** The provider's own handle of the request in flight (Cloud Control's RequestToken); null when none is known. */
  request: string | null;
  /** Seconds since the token was first used; null when it never was. Decides whether a replay still means anything (F3). */
  tokenAgeSeconds: number | null;
  /**
   * Hash of the values that made the resource READY last. What a provider never returns (write-only properties) counts
   * as changed when it is not the hash of `desired`; left out or null, nothing is known and nothing counts.
   */
  sentHash?: string | null | undefined;
  /**
   * What earlier generations asked for, as far as `desired` differs from it: what is still there of it and is no longer
   * asked for is taken back. A reference whose value is no longer known stays as written, and stands for any value.
   */
  applied?: readonly JsonObject[] | undefined;
  /** Ends before the function does: what it interrupts has an unknown outcome. */
  signal: AbortSignal;
};

/** One property that is not as wanted. `pointer` is an RFC 6901 pointer into the provider's properties. */
export type Difference = { pointer: string; expected: Json; actual: Json };

/** Why a provider says no, in words a developer can act on. Never holds a secret. */
export type Failure = {
  code: string;
  message: string;
  /** Whether the same request under a new token may succeed (a timeout, a conflict) or never will (a bad value). */
  transient: boolean;
  /** The service is well and did answer, of this one object, what decides nothing: a breaker does not count it. */
  answered?: true | undefined;
};

/** The part of a provider that fails by itself, and has a breaker: `AWS::MSK` of `AWS::MSK::Topic`. As the store says it. */
export function providerService(kind: string): string {
  return kind.replace(/::[^:]*$/, "");
}

/** The code of a request that ended well and of whose object a look shows nothing: that may be denied too (law F15). */
export const vanished = "VANISHED";

export type Observation = (
  | { state: "absent" }
  | { state: "progressing"; retryAfterSeconds: number }
  | { state: "drifted"; identifier: string; attributes: JsonObject; differences: Difference[] }
  | { state: "ready"; identifier: string; attributes: JsonObject }
  /** A look that showed nothing: what exists is left alone (F14). */
  | { state: "unknown"; failure: Failure; retryAfterSeconds: number | null }
) & {
  /** The request under `token` is proven to have failed: the next one needs a new attempt. */
  failed?: Failure | undefined;
  /** The handle of a request found in flight, to be kept. */
  request?: string | undefined;
} & Beyond;

/** How many calls were made beyond those that every step makes, by looking through a long list: the target's budget pays for them. */
type Beyond = { beyond?: number | undefined };

export type Outcome =
  /** Asked for; observe again after `retryAfterSeconds`. `identifier` when the answer already has one. */
  (
    | { outcome: "accepted"; request: string | null; identifier: string | null; retryAfterSeconds: number }
    /** Proven to have changed nothing, and `failure.transient` says whether a new attempt may help. */
    | { outcome: "rejected"; failure: Failure }
    /** Refused for its rate: proven to have changed nothing, and worth the same token again later. */
    | { outcome: "throttled"; failure: Failure; retryAfterSeconds: number }
    /** Likewise, by a service that is well: this one object is busy, or is not there just now. */
    | { outcome: "deferred"; failure: Failure; retryAfterSeconds: number }
    /** Nobody knows: the token is kept and the next step is to observe. */
    | { outcome: "unknown"; failure: Failure }
  ) &
    Beyond;

/**
 * One uniform cloud API. `observe` looks and changes nothing; `apply` and `destroy` ask once and return. `apply` is told
 * what was just observed: an absent object is created, a drifted one is read again and updated, and there is no blind
 * create (law F2). "Already exists", and "not found" on destroy, are success. None throws for what a provider answers.
 *
 * While a delete is under way `observe` is called as well: `absent` ends it.
 */
export type Provider = {
  name: string;
  /** Its reads never fall behind, nor deny what exists: what a look does not show is not there (law F15). */
  consistent?: boolean;
  observe(call: ProviderCall): Promise<Observation>;
  apply(call: ProviderCall, observed: { state: "absent" } | { state: "drifted"; identifier: string }): Promise<Outcome>;
  destroy(call: ProviderCall, observed: { identifier: string }): Promise<Outcome>;
};

export type Providers = { [name: string]: Provider };
