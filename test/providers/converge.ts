import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Observation, Outcome, Provider, ProviderCall } from "../../core/provider.ts";

export type Step = Observation["state"] | Outcome["outcome"];

/**
 * What control does with a provider, without a database: observe, ask, observe, keeping the token until a failure under
 * it is proven. Ends when the object is as asked for, or when only a person can help.
 */
export async function converge(
  provider: Provider,
  start: ProviderCall,
  goal: "ready" | "absent",
  steps = 40,
): Promise<{ last: Observation; trace: Step[]; call: ProviderCall }> {
  let call = start;
  const trace: Step[] = [];
  for (let step = 0; step < steps; step += 1) {
    const observation = await provider.observe({ ...call, signal: AbortSignal.timeout(5000) });
    trace.push(observation.state);
    if ("identifier" in observation) call = { ...call, identifier: observation.identifier };
    if (observation.state === goal) return { last: observation, trace, call };
    if (observation.failed?.transient) call = { ...call, token: randomUUID(), tokenAgeSeconds: null, request: null };
    if (observation.failed && !observation.failed.transient) return { last: observation, trace, call };
    if (observation.state === "unknown" && !observation.failure.transient) return { last: observation, trace, call };
    if (observation.state === "progressing" || observation.state === "unknown") {
      await sleep(50);
      continue;
    }
    const asked = { ...call, signal: AbortSignal.timeout(5000) };
    const outcome = await change(provider, asked, observation, goal);
    trace.push(outcome.outcome);
    call = { ...call, tokenAgeSeconds: 1 };
    if (outcome.outcome === "accepted") {
      call = { ...call, request: outcome.request, identifier: outcome.identifier ?? call.identifier };
    }
    if (outcome.outcome === "rejected") {
      if (!outcome.failure.transient) throw new Error(`rejected: ${outcome.failure.code} ${outcome.failure.message}`);
      call = { ...call, token: randomUUID(), tokenAgeSeconds: null, request: null };
    }
  }
  throw new Error(`not ${goal} after ${steps} steps: ${trace.join(" ")}`);
}

function change(
  provider: Provider,
  call: ProviderCall,
  observation: Observation,
  goal: "ready" | "absent",
): Promise<Outcome> {
  if (observation.state !== "absent" && observation.state !== "drifted" && observation.state !== "ready") {
    throw new Error(`nothing to ask for in ${observation.state}`);
  }
  if (goal === "absent" && observation.state !== "absent") return provider.destroy(call, observation);
  if (observation.state === "ready") throw new Error("ready is the goal of an apply");
  return provider.apply(call, observation);
}
