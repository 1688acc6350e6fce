import type { OperationRef, Work } from "../core/operation.ts";
import type { Outcome } from "../core/provider.ts";
import { attemptFailed, waitSeconds } from "./observe-resource.ts";
import { pauseSeconds } from "./pace.ts";
import {
  advance,
  answered,
  charging,
  prepareCall,
  type ReconcileDeps,
  reasonOf,
  type Step,
  unanswered,
  waitingFor,
} from "./reconcile-step.ts";

/** What the look before found, null where it proved absence: nothing is created that was not just looked for. */
export type ApplyRequest = { identifier: string | null; sentHash: string; beyond?: number | undefined };

/**
 * Asks the provider once. That it is about to be asked, and with which values, is committed before (law F2); what it
 * answered is written after.
 */
export async function applyResource(deps: ReconcileDeps, ref: OperationRef, asked: ApplyRequest): Promise<Step> {
  const found = asked.identifier !== null;
  const work = await deps.store.workToSend(ref, deps.pace.leaseSeconds, asked.sentHash, found, asked.beyond);
  if (work === null) return { next: "end" };
  const prepared = prepareCall(work);
  const provider = deps.providers[work.definition.provider];
  const changed = !prepared.ok || provider === undefined || prepared.hash !== asked.sentHash;
  if (changed || (work.kind === "delete" && asked.identifier === null)) {
    // A value changed since the look, or a delete is to make something: look again, with what it is now.
    return { next: "wait", seconds: 1 };
  }

  const call = { ...prepared.call, signal: AbortSignal.timeout(deps.pace.providerSeconds * 1000) };
  const outcome =
    asked.identifier === null
      ? await provider.apply(call, { state: "absent" })
      : work.kind === "delete"
        ? await provider.destroy(call, { identifier: asked.identifier })
        : await provider.apply(call, { state: "drifted", identifier: asked.identifier });

  return afterRequest(charging(deps, outcome), work, outcome);
}

async function afterRequest(deps: ReconcileDeps, work: Work, outcome: Outcome): Promise<Step> {
  const { ref } = work;
  switch (outcome.outcome) {
    case "accepted": {
      const { request, identifier } = outcome;
      const written = await deps.store.advance(ref, { to: "sent", request, identifier }, answered);
      if (written.outcome === "lost") return { next: "end" };
      return { next: "wait", seconds: waitSeconds(deps, outcome.retryAfterSeconds) };
    }
    case "rejected":
      return attemptFailed(deps, work, outcome.failure);
    case "throttled":
    case "deferred": {
      const delaySeconds = Math.max(outcome.retryAfterSeconds, pauseSeconds(deps.pace, work.waits, deps.random));
      const limited = outcome.outcome === "throttled";
      const why = reasonOf(limited ? "PROVIDER_THROTTLED" : "PROVIDER_UNAVAILABLE", outcome.failure);
      // One team's busy object is not to open the breaker for all.
      const answer = limited ? ({ answer: "throttled", code: outcome.failure.code } as const) : answered;
      return advance(deps, ref, { to: "wait", reason: why, delaySeconds }, answer);
    }
    case "unknown": {
      const pause = pauseSeconds(deps.pace, work.waits, deps.random);
      const delaySeconds = Math.max(deps.pace.unansweredSeconds, pause);
      const waiting = { to: "wait", reason: waitingFor(outcome.failure), delaySeconds } as const;
      return advance(deps, ref, waiting, unanswered(outcome.failure));
    }
  }
}
