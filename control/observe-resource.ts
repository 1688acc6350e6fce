import type { Json } from "../core/json.ts";
import type { OperationRef, Work } from "../core/operation.ts";
import { type Failure, type Observation, type Provider, vanished } from "../core/provider.ts";
import { render } from "../core/template.ts";
import { deniedSeconds, pauseSeconds, staleSeconds } from "./pace.ts";
import {
  advance,
  answered,
  answerOf,
  charging,
  prepareCall,
  type ReconcileDeps,
  reason,
  reasonOf,
  type Step,
  unanswered,
  waitingFor,
} from "./reconcile-step.ts";

/**
 * Looks at a resource and decides what comes next; what ends the operation is written at once. One round trip to read, one
 * more where there is something to write.
 */
export async function observeResource(deps: ReconcileDeps, ref: OperationRef): Promise<Step> {
  const work = await deps.store.work(ref, deps.pace.leaseSeconds);
  if (work === null) return { next: "end" };
  const prepared = prepareCall(work);
  if (!prepared.ok) return advance(deps, ref, { to: "failed", reason: prepared.reason, proven: false });
  const provider = deps.providers[work.definition.provider];
  if (provider === undefined) {
    const missing = reason("NEEDS_ATTENTION", `This Cairn has no provider "${work.definition.provider}".`);
    return advance(deps, ref, { to: "failed", reason: missing, proven: false });
  }

  const signal = AbortSignal.timeout(deps.pace.providerSeconds * 1000);
  const observation = await provider.observe({ ...prepared.call, signal });
  return afterLook(charging(deps, observation), provider, work, observation, prepared.hash);
}

async function afterLook(
  deps: ReconcileDeps,
  provider: Provider,
  work: Work,
  observation: Observation,
  sentHash: string,
): Promise<Step> {
  const { beyond } = observation;
  const grace = staleSeconds - (work.readySeconds ?? staleSeconds);
  if (observation.state === "absent" && grace > 0) {
    return keepWaiting(deps, work, { state: "progressing", retryAfterSeconds: grace, beyond });
  }
  if (isUnproven(provider, work, observation)) {
    const doubted = await doubt(deps, work, beyond);
    if (doubted !== null) return doubted;
  }
  return work.kind === "apply"
    ? afterLookForApply(deps, work, observation, sentHash)
    : afterLookForDelete(deps, work, observation, sentHash);
}

/**
 * Whether a read alone says that it is gone, and no request of its own, nor a provider whose reads are the truth. A request that
 * failed proves that a creation made nothing, and never that a deletion took anything away.
 */
function isUnproven({ consistent }: Provider, work: Work, seen: Observation): boolean {
  if (seen.state !== "absent" || consistent === true) return false;
  // Whether a deletion has anything to find, the store knows: a create may have been asked for of which nothing else is known.
  if (work.kind === "delete")
    return seen.failed !== undefined || work.request === null || work.tokenAgeSeconds === null;
  const isRefused = seen.failed !== undefined && seen.failed.code !== vanished;
  return !isRefused && (work.resource.identifier !== null || work.request !== null);
}

/**
 * What was made is not gone because one look does not find it (law F15): it would be made a second time, or be left behind by
 * its deletion. It is looked at again a while later; where others are not found either, for as long as that lasts.
 */
async function doubt(deps: ReconcileDeps, work: Work, beyond: number | undefined): Promise<Step | null> {
  const absence = await deps.store.absent(work.ref);
  if (absence === null) return null;
  if (absence.denied && absence.seconds < deniedSeconds) {
    const { provider, kind } = work.definition;
    const denied = reason(
      "PROVIDER_UNAVAILABLE",
      `${provider} does not know of it, nor of much else of ${kind} that it knew, so it is not believed. Goes on when it is found, or an hour after the first look that missed it.`,
    );
    const delaySeconds = pauseSeconds(deps.pace, work.waits, deps.random);
    return advance(deps, work.ref, { to: "wait", reason: denied, delaySeconds }, answered);
  }
  const left = staleSeconds - absence.seconds;
  return left > 0 ? keepWaiting(deps, work, { state: "progressing", retryAfterSeconds: left, beyond }) : null;
}

function afterLookForApply(deps: ReconcileDeps, work: Work, seen: Observation, sentHash: string): Promise<Step> | Step {
  switch (seen.state) {
    case "ready":
      return recordReady(deps, work, seen);
    case "progressing":
      return keepWaiting(deps, work, seen);
    case "unknown":
      return notSeen(deps, work, seen);
    default:
      if (seen.failed !== undefined) return attemptFailed(deps, work, seen.failed);
      // The request ended well and yet the object is not as asked: asking again under the same token would change nothing.
      if (work.request !== null && work.tokenAgeSeconds !== null) return attemptFailed(deps, work, notConverged(seen));
      if (work.superseded && seen.state === "drifted") return attemptFailed(deps, work, notConverged(seen));
      return toApply(seen.state === "absent" ? null : seen.identifier, sentHash, seen);
  }
}

function afterLookForDelete(
  deps: ReconcileDeps,
  work: Work,
  seen: Observation,
  sentHash: string,
): Promise<Step> | Step {
  switch (seen.state) {
    case "absent":
      return advance(deps, work.ref, { to: "deleted" }, answered);
    case "progressing":
      return keepWaiting(deps, work, seen);
    case "unknown":
      return notSeen(deps, work, seen);
    default:
      if (seen.failed !== undefined) return attemptFailed(deps, work, seen.failed);
      if (work.request !== null && work.tokenAgeSeconds !== null) {
        return attemptFailed(deps, work, {
          code: "STILL_THERE",
          message: "The provider said it was deleted, and it is still there.",
          transient: true,
        });
      }
      return toApply(seen.identifier, sentHash, seen);
  }
}

/** The request that comes next is written down before it is sent, which also charges what the look has cost. */
function toApply(identifier: string | null, sentHash: string, { beyond }: Observation): Step {
  return { next: "apply", identifier, sentHash, ...(beyond === undefined ? {} : { beyond }) };
}

function recordReady(deps: ReconcileDeps, work: Work, seen: Observation & { state: "ready" }): Promise<Step> {
  let outputs: { [key: string]: Json };
  try {
    const rendered = render(work.definition.outputs, { attributes: seen.attributes }) as { [key: string]: Json };
    outputs = Object.fromEntries(Object.entries(rendered).map(([key, value]) => [key, asText(value)]));
  } catch (error) {
    const missing = reason(
      "NEEDS_ATTENTION",
      `The golden path names an output that the provider does not give: ${(error as Error).message}.`,
    );
    // What was asked for is done: another request will be another one.
    const ended = { to: "failed", reason: missing, proven: true, identifier: seen.identifier } as const;
    return advance(deps, work.ref, ended, answered);
  }
  return advance(deps, work.ref, { to: "ready", identifier: seen.identifier, outputs }, answered);
}

/**
 * An output is text, whatever the provider reports: a port is a number here and text there, and what refers to one has to stand
 * wherever text may, in every tier.
 */
function asText(value: Json): Json {
  return typeof value === "string" || value === null ? value : JSON.stringify(value);
}

async function keepWaiting(
  deps: ReconcileDeps,
  work: Work,
  seen: Observation & { state: "progressing" },
): Promise<Step> {
  const found = seen.request !== undefined && seen.request !== work.request ? seen.request : null;
  // A look that changes nothing is not written; what others wait for is, and what they pay for.
  if (found !== null || work.probing || seen.beyond !== undefined) {
    const progress =
      found === null ? { to: "answered" as const } : { to: "sent" as const, request: found, identifier: null };
    const result = await deps.store.advance(work.ref, progress, answered);
    if (result.outcome === "lost") return { next: "end" };
  }
  return { next: "wait", seconds: waitSeconds(deps, seen.retryAfterSeconds) };
}

function notSeen(deps: ReconcileDeps, work: Work, seen: Observation & { state: "unknown" }): Promise<Step> {
  if (!seen.failure.transient) {
    const refused = reasonOf("NEEDS_ATTENTION", seen.failure);
    return advance(deps, work.ref, { to: "failed", reason: refused, proven: false }, answered);
  }
  const delaySeconds = Math.max(seen.retryAfterSeconds ?? 0, pauseSeconds(deps.pace, work.waits, deps.random));
  return advance(
    deps,
    work.ref,
    { to: "wait", reason: waitingFor(seen.failure), delaySeconds },
    unanswered(seen.failure),
  );
}

/** An attempt is proven to be over: a transient failure gets a new one with a new token, until it was enough (F13). */
export function attemptFailed(deps: ReconcileDeps, work: Work, failure: Failure): Promise<Step> {
  const answer = answerOf(failure);
  if (!failure.transient) {
    const refused = reasonOf("PROVIDER_REJECTED", failure);
    return advance(deps, work.ref, { to: "failed", reason: refused, proven: true }, answer);
  }
  if (work.attempt >= deps.pace.maxAttempts) {
    const said = `${work.attempt} attempts failed, the last one so: ${failure.message}`;
    const enough = reasonOf("NEEDS_ATTENTION", failure, said);
    return advance(deps, work.ref, { to: "failed", reason: enough, proven: true }, answer);
  }
  const delaySeconds = pauseSeconds(deps.pace, work.attempt, deps.random);
  return advance(deps, work.ref, { to: "next-attempt", reason: waitingFor(failure), delaySeconds }, answer);
}

function notConverged(seen: Observation & { state: "absent" | "drifted" }): Failure {
  const what =
    seen.state === "absent"
      ? "it is not there"
      : `these differ: ${seen.differences.map(({ pointer }) => pointer).join(", ")}`;
  return { code: "NOT_CONVERGED", message: `The provider said it was done, but ${what}.`, transient: true };
}

/** Whole seconds, as a Wait state takes them. */
export function waitSeconds(deps: ReconcileDeps, asked: number): number {
  return Math.max(1, Math.min(deps.pace.maxWaitSeconds, Math.ceil(asked)));
}
