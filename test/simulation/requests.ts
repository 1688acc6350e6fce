import type { AcceptOutcome } from "../../control/accept-intent.ts";
import type { Caller, Scope } from "../../core/caller.ts";
import type { Intent } from "../../core/intent.ts";
import { goldenPaths, policy } from "./kinds.ts";
import type { Ports } from "./ports.ts";
import type { Run } from "./run.ts";
import type { UseCases } from "./tasks.ts";

/** What people ask of the API. */
export type Ask =
  | { ask: "intent"; key: string; intent: Intent }
  | { ask: "retry" | "abandon" | "verify"; resource: string }
  | { ask: "breaker"; environment: string; provider: string; service: string; state: "OPEN" | "CLOSED" };

export type ApiRequest = {
  asked: Ask;
  caller: Caller;
  run: Run | null;
  /** Null while nobody knows: the caller asks again. */
  answer: AcceptOutcome | { outcome: string } | null;
};

export function requestOf(asked: Ask, caller: Caller): ApiRequest {
  return { asked, caller, run: null, answer: null };
}

/** What the API's routes do with a parsed request. */
export function perform(ports: Ports, use: UseCases, { asked, caller }: ApiRequest): Promise<ApiRequest["answer"]> {
  const { api: store, executions, newId, now } = ports;
  const scope: Scope = caller.role === "platform" ? "platform" : { team: caller.team ?? "" };
  switch (asked.ask) {
    case "intent": {
      const { key, intent } = asked;
      const deps = { store, goldenPaths, policy, executions, newId, now };
      return use.acceptIntent(deps, { caller, scope, intent, key, dryRun: false });
    }
    case "retry":
      return use.retryResource({ store, executions }, caller, scope, asked.resource);
    case "abandon":
      return use.abandonResource({ store, executions }, caller, scope, asked.resource);
    case "verify":
      return use.verifyResource({ store, executions, newId }, caller, scope, asked.resource);
    case "breaker": {
      const { state, ask: _ask, ...place } = asked;
      return store.putBreaker(scope, caller, place, state).then((found) => ({ outcome: found ? "put" : "not-found" }));
    }
  }
}

/** For a trace. */
export function describe({ asked }: ApiRequest): string {
  switch (asked.ask) {
    case "intent": {
      const { intent, key } = asked;
      const named = intent.action === "delete" ? (intent.resources ?? ["all"]) : Object.keys(intent.resources);
      return `${intent.action} ${intent.service}.${intent.environment} ${named.join(",")} ${key}`;
    }
    case "breaker":
      return `breaker ${asked.environment}/${asked.provider} ${asked.service} ${asked.state}`;
    default:
      return `${asked.ask} ${asked.resource.slice(-4)}`;
  }
}
