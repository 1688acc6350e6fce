import type { Json, JsonObject } from "../core/json.ts";
import { hashOf, mapStrings } from "../core/json.ts";
import type { Answer, OperationRef, Progress, Work } from "../core/operation.ts";
import type { Failure, ProviderCall, Providers } from "../core/provider.ts";
import { withReferencesResolved } from "../core/reference.ts";
import { providerCodePattern, type Reason, type ReasonCode } from "../core/resource.ts";
import type { WorkerStore } from "../core/store.ts";
import { TemplateError } from "../core/template.ts";
import type { Pace } from "./pace.ts";

export type ReconcileDeps = { store: WorkerStore; providers: Providers; pace: Pace; random: () => number };

/** What the state machine does next. Carries ids, counts and hashes, never a value. */
export type Step =
  | { next: "apply"; identifier: string | null; sentHash: string; beyond?: number }
  | { next: "wait"; seconds: number }
  | { next: "start"; startable: OperationRef[] }
  | { next: "end" };

/** Writes how the operation goes on and turns that into the machine's next step. */
export async function advance(
  deps: ReconcileDeps,
  ref: OperationRef,
  progress: Progress,
  answer?: Answer,
): Promise<Step> {
  const result = await deps.store.advance(ref, progress, answer);
  if (result.outcome === "lost" || result.startable.length === 0) return { next: "end" };
  return { next: "start", startable: result.startable };
}

export type Prepared = { ok: true; call: Omit<ProviderCall, "signal">; hash: string } | { ok: false; reason: Reason };

/**
 * Makes the provider's call out of the work. Nothing is asked of a provider that was not decided as it stands (law I7), nor
 * with a value that is not known.
 */
export function prepareCall(work: Work): Prepared {
  const { definition, resource } = work;
  if (hashOf(definition as unknown as Json) !== work.decidedHash) {
    return refused("The stored definition is not the one that policy allowed. Apply the resource again.");
  }
  if (work.target === null) {
    return refused(
      `The platform team has set no target of provider "${definition.provider}" for ${resource.environment}.`,
    );
  }
  let desired: JsonObject;
  try {
    desired = withReferencesResolved(definition.properties, work.dependencies) as JsonObject;
  } catch (error) {
    if (work.kind === "apply") return refused(`A referenced output is not there: ${(error as Error).message}.`);
    desired = definition.properties;
  }
  const call = {
    resourceId: resource.id,
    team: resource.team,
    service: resource.service,
    environment: resource.environment,
    name: resource.name,
    kind: definition.kind,
    externalName: definition.externalName,
    identifier: resource.identifier,
    desired,
    target: work.target,
    token: work.token,
    request: work.request,
    tokenAgeSeconds: work.tokenAgeSeconds,
    sentHash: work.sentHash,
    applied: work.applied.map((properties) => resolvedAsFarAsKnown(properties, work.dependencies)),
  };
  return { ok: true, call, hash: hashOf(desired) };
}

/** What an earlier generation referenced need not be a dependency any more: such a reference stays as written. */
function resolvedAsFarAsKnown(properties: JsonObject, outputs: Work["dependencies"]): JsonObject {
  return mapStrings(properties, (text) => {
    try {
      return withReferencesResolved(text, outputs);
    } catch (error) {
      if (error instanceof TemplateError) return text;
      throw error;
    }
  }) as JsonObject;
}

function refused(message: string): Prepared {
  return { ok: false, reason: reason("NEEDS_ATTENTION", message) };
}

export function reason(code: ReasonCode, message: string): Reason {
  return { code, message: message.slice(0, 1000), retryAt: null };
}

/** A reason that a provider gave; `message` where there is more to say than its own. */
export function reasonOf(code: ReasonCode, failure: Failure, message = failure.message): Reason {
  const known = providerCodePattern.test(failure.code);
  return { ...reason(code, message), ...(known ? { providerCode: failure.code } : {}) };
}

/** A failure that leaves everything as it was: the operation waits as a row, and the sweep goes on. */
export function waitingFor(failure: Failure): Reason {
  return reasonOf(isThrottling(failure) ? "PROVIDER_THROTTLED" : "PROVIDER_UNAVAILABLE", failure);
}

/** The same dependencies, whose next writing also says how many calls beyond the usual the step has made. */
export function charging(deps: ReconcileDeps, { beyond }: { beyond?: number | undefined }): ReconcileDeps {
  if (beyond === undefined) return deps;
  const { store } = deps;
  const advance: WorkerStore["advance"] = (ref, progress, answer = answered) =>
    store.advance(ref, progress, { ...answer, beyond });
  return { ...deps, store: { ...store, advance } };
}

export const answered: Answer = { answer: "answered" };

/** No answer, or one that tells nothing: what a breaker counts. */
export function unanswered(failure: Failure): Answer {
  if (failure.answered) return answered;
  return { answer: isThrottling(failure) ? "throttled" : "failed", code: failure.code };
}

/** An attempt that is proven to have failed: the service itself may be unwell, or has said what is wrong with the request. */
export function answerOf(failure: Failure): Answer {
  const unwell = /internal|network.?failure|service.?timeout|unavailable/i.test(failure.code);
  return failure.transient && (unwell || isThrottling(failure)) ? unanswered(failure) : answered;
}

function isThrottling({ code }: Failure): boolean {
  return /throttl|rate.?(exceeded|limit)|toomany|429/i.test(code);
}
