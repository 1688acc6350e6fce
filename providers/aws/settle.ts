import type { ProgressEvent } from "@aws-sdk/client-cloudcontrol";
import type { Outcome } from "../../core/provider.ts";
import type { Answer } from "../ask.ts";
import { failure, failureOf } from "./failures.ts";
import { followed, retryAfter } from "./follow-request.ts";
import type { Look } from "./look.ts";
import { onConflict } from "./on-conflict.ts";
import { graceSeconds } from "./token-life.ts";

type Requested = Answer<{ ProgressEvent?: ProgressEvent | undefined }>;

/** What an answer to a change means. `identifier` is the object's, where the caller knows it. */
export async function settle(look: Look, answer: Requested, identifier: string | null): Promise<Outcome> {
  const { call, secrets } = look;
  if (answer.ok) {
    const event = answer.output.ProgressEvent ?? {};
    const progress = followed(look, event);
    const request = event.RequestToken ?? null;
    const existing = progress.request === "failed" && ["AlreadyExists", "NotFound"].includes(progress.code);
    // "Already exists" on create and "not found" on delete are for the next look to judge.
    if (progress.request === "failed" && !(existing && progress.operation !== "UPDATE")) {
      return { outcome: "rejected", failure: progress.failure };
    }
    return {
      outcome: "accepted",
      request,
      identifier: event.Identifier ?? null,
      retryAfterSeconds: existing ? 0 : retryAfter(event),
    };
  }
  const { error } = answer;
  if (error.kind === "throttled") {
    return {
      outcome: "throttled",
      failure: failure(call.kind, "THROTTLED", "AWS is limiting the rate of calls; it is asked again", true),
      retryAfterSeconds: 5,
    };
  }
  if (error.kind === "lost" && !busy.has(error.name)) {
    return {
      outcome: "unknown",
      failure: failure(call.kind, "NO_ANSWER", "AWS did not say whether it took the request; it is looked at", true),
    };
  }
  if (busy.has(error.name)) {
    return {
      outcome: "deferred",
      failure: failureOf(call.kind, error.name, "", []),
      retryAfterSeconds: 10,
    };
  }
  if (error.name === "ClientTokenConflictException") return onConflict(look, identifier);
  if (error.name === "AlreadyExistsException" && (call.tokenAgeSeconds ?? 0) <= graceSeconds) {
    // Whose it is, the next look shows. Still unseen after the grace, it is another account's.
    return { outcome: "accepted", request: null, identifier: null, retryAfterSeconds: 0 };
  }
  if (error.name === "GeneralServiceException")
    return { outcome: "unknown", failure: failureOf(call.kind, error.name, error.message, secrets) };
  return { outcome: "rejected", failure: failureOf(call.kind, error.name, error.message, secrets) };
}

/** Refused because the object is busy: nothing happened, and the same request is good later. */
const busy = new Set(["ConcurrentOperationException", "ConcurrentModificationException"]);
