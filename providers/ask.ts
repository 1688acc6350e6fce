import { type SdkError, sdkError } from "./sdk-error.ts";

export type Answer<Output> = { ok: true; output: Output } | { ok: false; error: SdkError };

/** One call, one answer: the clients do not retry, the state machine does. */
export async function ask<Output>(call: Promise<Output>): Promise<Answer<Output>> {
  try {
    return { ok: true, output: await call };
  } catch (thrown) {
    return { ok: false, error: sdkError(thrown) };
  }
}
