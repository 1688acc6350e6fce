import type { ProgressEvent } from "@aws-sdk/client-cloudcontrol";
import type { Failure, Outcome, ProviderCall } from "../../core/provider.ts";
import type { Answer } from "../ask.ts";
import { failure, failureOf } from "./failures.ts";
import { identifierFrom } from "./find-object.ts";
import { followed, retryAfter } from "./follow-request.ts";
import type { Look } from "./look.ts";
import { graceSeconds } from "./token-life.ts";

type Requested = Answer<{ ProgressEvent?: ProgressEvent | undefined }>;

export function settle(look: Look, answer: Requested, operation: "create" | "update" | "delete"): Outcome {
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
      outcome: "throttled",
      failure: failureOf(call.kind, error.name, "another change of it is under way", []),
      retryAfterSeconds: 10,
    };
  }
  if (error.name === "ClientTokenConflictException") return onConflict(look, operation);
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

/**
 * The token is known to AWS with other values, or a replay was answered so: the first request was taken (law F2), and the
 * next look shows what became of it. What still is not there after the time in which it must have ended has ended without
 * effect, and another token may be tried.
 */
function onConflict(look: Look, operation: "create" | "update" | "delete"): Outcome {
  const ended = (look.call.tokenAgeSeconds ?? 0) > endsWithinSeconds(look, operation);
  return ended
    ? { outcome: "rejected", failure: tokenSpent(look.call) }
    : {
        outcome: "unknown",
        failure: failure(look.call.kind, "TOKEN_CONFLICT", "AWS has this request already; it is looked at", true),
      };
}

/** A change that names its object cannot make a second one, so it needs no longer than the grace; AWS's default is 2 h. */
function endsWithinSeconds(look: Look, operation: "create" | "update" | "delete"): number {
  if (operation !== "create" || identifierFrom(look) !== null) return graceSeconds;
  return (look.schema.handlers.create?.timeoutInMinutes ?? 120) * 60;
}

export function tokenSpent(call: ProviderCall): Failure {
  return failure(
    call.kind,
    "TOKEN_SPENT",
    "the request's token is used up without effect; it is asked again under a new one",
    true,
  );
}
