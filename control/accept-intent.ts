import type { Caller, Scope } from "../core/caller.ts";
import type { GoldenPaths } from "../core/definition.ts";
import type { Executions } from "../core/executions.ts";
import type { FieldError } from "../core/field-error.ts";
import type { Intent, IntentView } from "../core/intent.ts";
import type { Plan } from "../core/plan.ts";
import type { Policy, Violation } from "../core/policy.ts";
import type { ApiStore } from "../core/store.ts";

export type AcceptDeps = {
  store: ApiStore;
  goldenPaths: GoldenPaths;
  policy: Policy;
  executions: Executions;
  newId: () => string;
  /** Seconds since 1970, for policy only; every other time is the database's. */
  now: () => number;
};

export type AcceptRequest = {
  caller: Caller;
  scope: Scope;
  intent: Intent;
  /** null only with `dryRun`. */
  key: string | null;
  dryRun: boolean;
};

export type AcceptOutcome =
  | { outcome: "accepted"; intent: IntentView; replayed: boolean }
  | { outcome: "planned"; plan: Plan }
  | { outcome: "denied"; decisionId: string; violations: Violation[] }
  | { outcome: "invalid"; errors: FieldError[] }
  /** The key was used with another payload. */
  | { outcome: "key-reused" }
  | { outcome: "referenced"; pointer: string; by: string[]; message: string }
  | { outcome: "replacement-required"; pointers: string[]; message: string }
  /** Others kept changing the same resources; nothing was stored. */
  | { outcome: "busy" };

export declare function acceptIntent(deps: AcceptDeps, request: AcceptRequest): Promise<AcceptOutcome>;
