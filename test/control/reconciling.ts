import { paceOf } from "../../control/pace.ts";
import type { ReconcileDeps } from "../../control/reconcile-step.ts";
import { hashOf, type Json } from "../../core/json.ts";
import type { Answer, OperationRef, Progress, Work } from "../../core/operation.ts";
import type { Failure, Observation, Outcome, Provider, ProviderCall } from "../../core/provider.ts";
import { withReferencesResolved } from "../../core/reference.ts";
import type { Absence, WorkerStore } from "../../core/store.ts";
import { definitionOf, idOf } from "./inputs.ts";

export const ref: OperationRef = { team: "payments", operation: idOf(1), epoch: 4 };
export const next: OperationRef = { team: "payments", operation: idOf(2), epoch: 1 };

export const transient: Failure = {
  code: "SERVICE_INTERNAL_ERROR",
  message: "The service is not well.",
  transient: true,
};
export const final: Failure = { code: "INVALID_REQUEST", message: "The name is too long.", transient: false };
export const throttling: Failure = { code: "THROTTLING", message: "Rate exceeded.", transient: true };
export const busy: Failure = { code: "CONCURRENT_OPERATION", message: "Another change is under way.", transient: true };

export const definition = definitionOf("app", { properties: { Name: "app", Url: "${resources.db.outputs.url}" } });
export const dependencies = { db: { url: "postgres://db" } };
/** Of the values that are sent while nothing changes. */
export const sentHash = hashOf(withReferencesResolved(definition.properties, dependencies));
export const attributes = { Arn: "arn:app", Url: "https://app" };

/** A first attempt at an apply that has asked nothing of the provider. */
export function workOf(more: Partial<Work> = {}): Work {
  const defined = more.definition ?? definition;
  return {
    ref,
    kind: "apply",
    generation: 2,
    attempt: 1,
    waits: 0,
    stumbles: 0,
    token: "token-1",
    tokenAgeSeconds: null,
    request: null,
    sentHash: null,
    applied: [],
    decidedHash: hashOf(defined as unknown as Json),
    superseded: false,
    resource: {
      id: idOf(9),
      team: "payments",
      service: "orders",
      environment: "staging",
      name: "app",
      identifier: null,
    },
    dependencies,
    target: { region: "eu-central-1" },
    ...more,
    definition: defined,
  };
}

/** Works whose request has been sent: the provider's word about it decides. */
export const asked = { request: "request-1", tokenAgeSeconds: 5 };

export type Script = {
  work?: Work | null;
  seen?: Observation | Error;
  outcome?: Outcome;
  /** What the store knows of an object that was not found; left out, it has never been READY. */
  absence?: Absence | null;
  consistent?: boolean;
  /** What a write answers: the lease is lost, or what became startable. */
  write?: "lost" | OperationRef[];
  provider?: false;
  random?: number;
};

/** A store that records and a provider that says what it is told to. */
export function reconciling({
  work = workOf(),
  seen,
  outcome,
  absence = null,
  consistent = false,
  write = [],
  provider,
  random = 0.5,
}: Script) {
  /** Every call of the store and the provider, in order. */
  const calls: string[] = [];
  const written: Progress[] = [];
  /** How the provider answered, as it was written with each step. */
  const answers: (Answer["answer"] | null)[] = [];
  /** Calls beyond the usual, as they were written to be charged. */
  const charged: number[] = [];
  const provided: (ProviderCall & { observed?: object })[] = [];
  const leases: number[] = [];
  /** Hashes of the values that were committed before the provider was asked. */
  const sent: string[] = [];
  const store: WorkerStore = {
    claim: () => Promise.reject(new Error("not asked for here")),
    sweep: () => Promise.reject(new Error("not asked for here")),
    async work(_, leaseSeconds) {
      calls.push("work");
      leases.push(leaseSeconds);
      return work;
    },
    async absent() {
      calls.push("absent");
      return absence;
    },
    async workToSend(_, leaseSeconds, hash, _found, beyond) {
      calls.push("workToSend");
      if (beyond !== undefined) charged.push(beyond);
      sent.push(hash);
      leases.push(leaseSeconds);
      return work;
    },
    async advance(_, progress, answer) {
      calls.push("advance");
      answers.push(answer?.answer ?? null);
      if (answer?.beyond !== undefined) charged.push(answer.beyond);
      written.push(progress);
      return write === "lost" ? { outcome: "lost" } : { outcome: "written", startable: write };
    },
  };
  const answer = async <T>(
    name: string,
    call: ProviderCall,
    said: T | Error | undefined,
    observed?: object,
  ): Promise<T> => {
    calls.push(name);
    provided.push({ ...call, ...(observed === undefined ? {} : { observed }) });
    if (said === undefined) throw new Error(`${name} was not expected`);
    if (said instanceof Error) throw said;
    return said;
  };
  const aws: Provider = {
    name: "aws",
    consistent,
    observe: (call) => answer("observe", call, seen),
    apply: (call, observed) => answer("apply", call, outcome, observed),
    destroy: (call, observed) => answer("destroy", call, outcome, observed),
  };
  const deps: ReconcileDeps = {
    store,
    providers: provider === false ? {} : { aws },
    pace: paceOf(60),
    random: () => random,
  };
  return { deps, calls, written, answers, charged, provided, leases, sent };
}
