import type { Caller, Scope } from "./caller.ts";
import type { Breaker, DecisionView, Environment, Orphan, Service, Target, Team } from "./catalog.ts";
import type { Definition, Tier } from "./definition.ts";
import type { DriftReport, Finding } from "./drift.ts";
import type { Intent, IntentView } from "./intent.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Answer, OperationKind, OperationRef, OperationStatus, Progress, Work } from "./operation.ts";
import type { Difference } from "./provider.ts";
import type { Resource, ResourceEvent, ResourceStatus } from "./resource.ts";

/**
 * A page, sorted by key, cut by `limit` and by bytes. A cursor is the last item's key (an id, a name, names joined by `!`);
 * the API makes it opaque and checks it.
 */
export type Page<T> = { items: T[]; nextCursor: string | null };
export type PageRequest = { limit: number; cursor: string | null };

export type ContextResource = {
  id: string;
  name: string;
  type: string;
  version: number;
  status: ResourceStatus;
  /** A delete was accepted: its name is free, and an apply makes a new resource. */
  deleting: boolean;
  generation: number;
  /** Of the external object; null while none is known to exist. */
  identifier: string | null;
  definitionHash: string;
  /** Only for the names that were asked for; the others' is null. */
  definition: Definition | null;
  /** Keys of what it will output once READY. */
  outputKeys: string[];
  /**
   * Its provider may refuse a delete: what was sent since it was last READY, what it was then, or what is being sent now says so.
   * Only for the names that were asked for.
   */
  heldOutside: boolean;
  /** Ids of the live resources whose outputs it uses. */
  dependsOn: string[];
  /** The operation of the current generation. */
  operation: { id: string; kind: OperationKind; status: OperationStatus } | null;
};

/** All that deciding about an intent needs to know, in one round trip. */
export type IntentContext = {
  team: { contact: string | null } | null;
  environment: { tier: Tier } | null;
  targets: { [provider: string]: JsonObject };
  /** Counts accepted intents of this service and environment: accepting is optimistic about it. */
  version: number;
  key: { requestHash: string; response: IntentView } | null;
  resources: ContextResource[];
};

export type Change = {
  resourceId: string;
  name: string;
  type: string;
  /** `none`: nothing to do, or the operation under way already does it. `retry`: the same generation once more. */
  change: "create" | "update" | "delete" | "retry" | "none";
  /** The generation the decision was made on; 0 for a create. */
  expectedGeneration: number;
  /** Of the new operation; null for `retry` and `none`. */
  operationId: string | null;
  definition: Definition | null;
  definitionHash: string | null;
  dependsOn: string[];
};

export type Acceptance = {
  scope: Scope;
  caller: Caller;
  intentId: string;
  intent: Intent;
  key: string;
  requestHash: string;
  decision: {
    id: string;
    policyRevision: string;
    wasmHash: string;
    inputHash: string;
    /** Resource name, with its id where it was being deleted before, to the hash of the definition that was judged (law I7). */
    definitionHashes: { [name: string]: string };
    violations: JsonObject[];
    warnings: JsonObject[];
  };
  changes: Change[];
  /** null where the change depends on no other resource of the service: then only the generations must be as expected. */
  expectedVersion: number | null;
  response: IntentView;
};

export type AcceptResult =
  | { outcome: "accepted"; startable: OperationRef[] }
  /** Someone else's request with this key was first. */
  | { outcome: "replayed"; requestHash: string; response: IntentView }
  /** What was decided on has changed: decide again. */
  | { outcome: "conflict" };

export type ResourceFilter = {
  team?: string | undefined;
  service?: string | undefined;
  environment?: string | undefined;
  type?: string | undefined;
  status?: ResourceStatus | undefined;
};

export type RetryResult =
  | { outcome: "retried"; startable: OperationRef[] }
  | { outcome: "not-found" }
  | { outcome: "not-failed"; status: ResourceStatus };

export type AbandonResult =
  | { outcome: "abandoned"; orphan: string | null; startable: OperationRef[] }
  | { outcome: "not-found" }
  /** It is deleted already. */
  | { outcome: "gone" }
  /** `more`: how many others there are beside those that are named. */
  | { outcome: "referenced"; by: string[]; more: number };

/** What API callers may ask of the store. Every method is one round trip under the scope's own database role. */
export type ApiStore = {
  intentContext(
    scope: Scope,
    asked: { team: string; service: string; environment: string; names: string[] | null; key: string | null },
  ): Promise<IntentContext>;
  acceptIntent(acceptance: Acceptance): Promise<AcceptResult>;
  recordDenial(denial: Pick<Acceptance, "scope" | "caller" | "intent" | "decision">): Promise<void>;
  intent(scope: Scope, id: string): Promise<IntentView | null>;
  resource(scope: Scope, id: string): Promise<Resource | null>;
  resources(scope: Scope, filter: ResourceFilter, page: PageRequest): Promise<Page<Resource>>;
  /** null: no such resource. */
  resourceEvents(scope: Scope, resourceId: string, page: PageRequest): Promise<Page<ResourceEvent> | null>;
  decision(scope: Scope, id: string): Promise<DecisionView | null>;
  team(scope: Scope, team: string): Promise<Team | null>;
  teams(scope: Scope, page: PageRequest): Promise<Page<Team>>;
  putTeam(
    scope: Scope,
    caller: Caller,
    team: string,
    fields: { name: string | null; contact: string | null },
  ): Promise<{ created: boolean; team: Team }>;
  service(scope: Scope, team: string, service: string): Promise<Service | null>;
  services(scope: Scope, team: string | null, page: PageRequest): Promise<Page<Service>>;
  /** null: no such team. */
  putService(
    scope: Scope,
    caller: Caller,
    team: string,
    service: string,
    fields: { description: string | null },
  ): Promise<{ created: boolean; service: Service } | null>;
  environment(scope: Scope, environment: string): Promise<Environment | null>;
  environments(scope: Scope, page: PageRequest): Promise<Page<Environment>>;
  putEnvironment(
    scope: Scope,
    caller: Caller,
    environment: string,
    fields: { tier: Tier },
  ): Promise<{ created: boolean; environment: Environment } | "tier-in-use">;
  targets(scope: Scope, environment: string | null, page: PageRequest): Promise<Page<Target>>;
  /** Opens a breaker until somebody closes it, or closes it; null: no such target. */
  putBreaker(
    scope: Scope,
    caller: Caller,
    place: { environment: string; provider: string; service: string },
    state: "OPEN" | "CLOSED",
  ): Promise<Breaker | null>;
  driftReports(scope: Scope, page: PageRequest): Promise<Page<DriftReport>>;
  driftReport(scope: Scope, id: string): Promise<(DriftReport & { items: Finding[] }) | null>;
  findings(
    scope: Scope,
    filter: ResourceFilter & { resource?: string | undefined; resolved?: boolean | undefined },
    page: PageRequest,
  ): Promise<Page<Finding>>;
  /** Opens a drift run for one resource; `not-ready` when it is not READY, `too-many` when its team asked for enough lately. */
  openVerification(
    scope: Scope,
    caller: Caller,
    runId: string,
    resourceId: string,
  ): Promise<"opened" | "not-found" | "not-ready" | "too-many">;
  /** Ends a run that `openVerification` has opened and whose look could not be started. */
  withdrawVerification(scope: Scope, runId: string): Promise<void>;
  /** Starts a failed resource's operation again; another status is left alone. */
  retryResource(scope: Scope, caller: Caller, resourceId: string): Promise<RetryResult>;
  /** Removes the record and keeps an orphan of what may be left outside. For the platform's scope. */
  abandonResource(scope: Scope, caller: Caller, resourceId: string): Promise<AbandonResult>;
  orphans(scope: Scope, team: string | null, page: PageRequest): Promise<Page<Orphan>>;
};

export type ClaimResult =
  | { outcome: "claimed" }
  /** Another epoch, another execution, a finished or overtaken operation: this execution has nothing to do. */
  | { outcome: "lost" }
  /** A dependency or a change in flight comes first; whoever ends it starts this one. */
  | { outcome: "blocked" }
  /** Its target has no budget, or a breaker is open: it waits as a row, and the sweep lets it through. */
  | { outcome: "waiting" };

/** What a step wrote, and which operations that made startable. */
export type Advance = { outcome: "written"; startable: OperationRef[] } | { outcome: "lost" };

/** For how many seconds an operation has not found its object; `denied`: nor do others find theirs (law F15). */
export type Absence = { seconds: number; denied: boolean };

/** What workers ask of the store. Every method is one round trip; every write is fenced by the epoch. */
export type WorkerStore = {
  claim(ref: OperationRef, leaseSeconds: number): Promise<ClaimResult>;
  /** Renews the lease and reads the work; null when the lease is lost. */
  work(ref: OperationRef, leaseSeconds: number): Promise<Work | null>;
  /**
   * As `work`, and commits that a provider is about to be asked with these values (law F2). `found`: the look before has found
   * the object, which ends what `absent` has begun. `beyond`: calls of that look which nothing has paid for.
   */
  workToSend(
    ref: OperationRef,
    leaseSeconds: number,
    sentHash: string,
    found: boolean,
    beyond?: number,
  ): Promise<Work | null>;
  /** Notes that a look has not found what was made; null where nothing was, or it is known to be gone, or the lease is lost. */
  absent(ref: OperationRef): Promise<Absence | null>;
  /** `answer` says how the provider answered in this step; left out, it was not asked. */
  advance(ref: OperationRef, progress: Progress, answer?: Answer): Promise<Advance>;
  /**
   * Takes over what is due, and lets through what waited for a budget or a breaker as far as these allow: raises its epoch and
   * gives it `graceSeconds` to be claimed.
   */
  sweep(limits: { batch: number; graceSeconds: number }): Promise<OperationRef[]>;
};

export type DriftTarget = { team: string; id: string };

/** A READY resource to look at, with all that its provider needs. */
export type DriftWork = {
  team: string;
  id: string;
  generation: number;
  definition: Definition;
  sentHash: string | null;
  identifier: string | null;
  service: string;
  environment: string;
  name: string;
  dependencies: { [name: string]: { [key: string]: Json } };
  target: JsonObject | null;
  /** Seconds since it became READY, which was seen. */
  readySeconds: number;
};

/** `beyond`: calls of the look that its target's budget has not paid for. */
export type DriftSight = { team: string; id: string; generation: number; beyond?: number | undefined } & (
  | { seen: true; differences: Difference[] }
  | { seen: false }
);

export type DriftCounts = {
  checked: number;
  unreadable: number;
  findings: number;
  /** How many targets' missing objects were not believed. */
  halted: number;
};

export type DriftStore = {
  /** Opens the run if it is new, and takes the next batch of due resources; an empty batch ends the run. */
  claimDrift(runId: string, asked: { batch: number; intervalSeconds: number }): Promise<DriftTarget[]>;
  driftWork(batch: DriftTarget[]): Promise<DriftWork[]>;
  recordDrift(runId: string, sights: DriftSight[]): Promise<void>;
  /**
   * Ends the run, and believes or doubts what it missed (law F15). `passSeconds`: a target's looks lie no further apart.
   */
  closeDrift(runId: string, passSeconds: number): Promise<DriftCounts>;
};
