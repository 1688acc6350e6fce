import type { Failure } from "../../core/provider.ts";

/** A step ended the call; `outcome` is how the contract says so. Caught in `postgres-provider.ts`, never seen outside. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
  readonly outcome: "rejected" | "throttled" | "unknown";
  readonly failure: Failure;
  constructor(outcome: "rejected" | "throttled" | "unknown", failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.outcome = outcome;
    this.failure = failure;
  }
}

export function rejected(code: string, message: string): StepFailed {
  return new StepFailed("rejected", { code, message: `Postgres::Database: ${message}`, transient: false });
}

export function notNow(outcome: StepFailed["outcome"], code: string, message: string): StepFailed {
  return new StepFailed(outcome, { code, message: `Postgres::Database: ${message}`, transient: true });
}
