import type { Caller, Scope } from "../core/caller.ts";
import type { GoldenPaths } from "../core/definition.ts";
import type { Executions } from "../core/executions.ts";
import type { FieldError } from "../core/field-error.ts";
import { type Intent, type IntentStatus, type IntentView, intentStatus } from "../core/intent.ts";
import { hashOf, type Json } from "../core/json.ts";
import type { Plan } from "../core/plan.ts";
import type { Policy, Violation } from "../core/policy.ts";
import type { AcceptResult, ApiStore, IntentContext } from "../core/store.ts";
import { type DecidedChange, decideChanges } from "./decide-changes.ts";
import { judge } from "./judge.ts";
import { planOf } from "./plan-of.ts";
import { startOperations } from "./start-operations.ts";

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

/** How often an intent is decided anew because what it was decided on had changed. */
const tries = 6;

/**
 * Takes an intent in: decides what it changes, asks policy about every definition, records all of it in one transaction and
 * starts what can start. Two round trips. A start that fails is made good by the sweep: the database owns the promise.
 */
export async function acceptIntent(deps: AcceptDeps, request: AcceptRequest): Promise<AcceptOutcome> {
  const requestHash = hashOf(request.intent as unknown as Json);
  for (let attempt = 0; attempt < tries; attempt++) {
    const outcome = await tryOnce(deps, request, requestHash);
    if (outcome !== "conflict") return outcome;
  }
  return { outcome: "busy" };
}

async function tryOnce(
  deps: AcceptDeps,
  request: AcceptRequest,
  requestHash: string,
): Promise<AcceptOutcome | "conflict"> {
  const { caller, scope, intent, key } = request;
  const { team, service, environment, action } = intent;
  const names = intent.action === "delete" ? intent.resources : Object.keys(intent.resources);
  const context = await deps.store.intentContext(scope, { team, service, environment, names, key });
  if (context.key !== null && !request.dryRun) return replay(context.key, requestHash);

  const unknown = unknownPlaces(context, intent);
  if (unknown.length > 0) return { outcome: "invalid", errors: unknown };

  const decided = decideChanges(deps, intent, context);
  if (decided.outcome !== "decided") return decided;
  const { changes } = decided;

  const verdict = judge(deps, caller, intent, context, changes);
  if (request.dryRun) return { outcome: "planned", plan: planOf(intent, changes, context, verdict) };

  const decision = {
    id: deps.newId(),
    policyRevision: deps.policy.revision,
    wasmHash: deps.policy.wasmHash,
    inputHash: verdict.inputHash,
    definitionHashes: Object.fromEntries(changes.map((change) => [decidedAs(change), change.hash])),
    violations: verdict.violations,
    warnings: verdict.warnings,
  };
  if (!verdict.allow) {
    await deps.store.recordDenial({ scope, caller, intent, decision });
    return { outcome: "denied", decisionId: decision.id, violations: verdict.violations };
  }

  const resources = changes.map((change) => ({
    id: change.id,
    name: change.name,
    type: change.definition.type,
    status: statusOf(change, action),
  }));
  const view: IntentView = {
    id: deps.newId(),
    status: intentStatus(
      action,
      resources.map(({ status }) => status),
    ),
    action,
    team,
    service,
    environment,
    decision: { id: decision.id, warnings: verdict.warnings },
    resources,
  };
  const result = await deps.store.acceptIntent({
    scope,
    caller,
    intentId: view.id,
    intent,
    key: key ?? view.id,
    requestHash,
    decision,
    changes: changes.map((change) => ({
      resourceId: change.id,
      name: change.name,
      type: change.definition.type,
      change: change.change,
      expectedGeneration: change.before?.generation ?? 0,
      operationId: change.change === "none" || change.change === "retry" ? null : deps.newId(),
      definition: change.change === "create" || change.change === "update" ? change.definition : null,
      definitionHash: change.change === "create" || change.change === "update" ? change.hash : null,
      dependsOn: change.dependsOn,
    })),
    expectedVersion: decided.entangled ? context.version : null,
    response: view,
  });
  return settle(deps, result, requestHash, view);
}

/** A name is free as soon as its deletion is accepted, so an intent that deletes all may be about two of one name. */
function decidedAs({ id, name, before }: DecidedChange): string {
  return before?.deleting === true ? `${name} ${id}` : name;
}

async function settle(
  deps: AcceptDeps,
  result: AcceptResult,
  requestHash: string,
  view: IntentView,
): Promise<AcceptOutcome | "conflict"> {
  switch (result.outcome) {
    case "conflict":
      return "conflict";
    case "replayed":
      return replay(result, requestHash);
    case "accepted":
      await startOperations(deps.executions, result.startable);
      return { outcome: "accepted", intent: view, replayed: false };
  }
}

function replay(first: { requestHash: string; response: IntentView }, requestHash: string): AcceptOutcome {
  if (first.requestHash !== requestHash) return { outcome: "key-reused" };
  return { outcome: "accepted", intent: first.response, replayed: true };
}

function unknownPlaces(context: IntentContext, intent: Intent): FieldError[] {
  const errors: FieldError[] = [];
  if (context.team === null) {
    errors.push({
      pointer: "/team",
      message: `there is no team "${intent.team}"; the platform team makes one with PUT /v1/teams/${intent.team}`,
    });
  }
  if (context.environment === null)
    errors.push({ pointer: "/environment", message: `there is no environment "${intent.environment}"` });
  return errors;
}

/** What the answer says about one resource: work to do is PENDING, an operation already under way is what it is. */
function statusOf({ change, before }: DecidedChange, action: "apply" | "delete"): IntentStatus {
  if (change !== "none") return "PENDING";
  const running = before?.operation?.status;
  if (running === "RUNNING") return "SYNCING";
  if (running === "PENDING" || running === "WAITING") return "PENDING";
  return action === "delete" ? "DELETED" : "READY";
}
