import { GetResourceRequestStatusCommand, type ProgressEvent } from "@aws-sdk/client-cloudcontrol";
import type { Failure } from "../../core/provider.ts";
import { ask } from "../ask.ts";
import { failureOf } from "./failures.ts";
import type { Look, Sight } from "./look.ts";
import { unclear } from "./read-object.ts";

export type Followed =
  | { request: "running"; retryAfterSeconds: number }
  | { request: "done"; operation: "CREATE" | "UPDATE" | "DELETE"; identifier: string | null; ageSeconds: number }
  | {
      request: "failed";
      failure: Failure;
      identifier: string | null;
      operation: "CREATE" | "UPDATE" | "DELETE";
      code: string;
    }
  /** Older than AWS's seven days, or never heard of. */
  | { request: "forgotten" }
  | { request: "unclear"; sight: Sight & { sight: "unclear" } };

export async function followRequest(look: Look, request: string): Promise<Followed> {
  const { client, call } = look;
  const command = new GetResourceRequestStatusCommand({ RequestToken: request });
  const answer = await ask(client.send(command, { abortSignal: call.signal }));
  if (answer.ok) return followed(look, answer.output.ProgressEvent ?? {});
  if (/^RequestTokenNotFound(Exception)?$/.test(answer.error.name)) return { request: "forgotten" };
  return { request: "unclear", sight: unclear(look, answer.error) as Sight & { sight: "unclear" } };
}

export function followed(look: Look, event: ProgressEvent): Followed {
  const { call, secrets } = look;
  const operation = event.Operation ?? "CREATE";
  const identifier = event.Identifier ?? null;
  switch (event.OperationStatus) {
    case "SUCCESS":
      return { request: "done", operation, identifier, ageSeconds: secondsSince(look, event.EventTime) };
    case "FAILED":
    case "CANCEL_COMPLETE": {
      const code =
        event.ErrorCode ?? (event.OperationStatus === "FAILED" ? "GeneralServiceException" : "NotStabilized");
      const failure = failureOf(call.kind, code, event.StatusMessage ?? "", secrets);
      // An update's handler says so of the object itself, which a look has just shown (law F15).
      const denied = operation === "UPDATE" && code === "NotFound";
      return {
        request: "failed",
        failure: denied ? { ...failure, transient: true } : failure,
        identifier,
        operation,
        code,
      };
    }
    default:
      return { request: "running", retryAfterSeconds: retryAfter(event) };
  }
}

/** AWS says when to look again; where it does not, five seconds: most objects take longer than one. */
export function retryAfter(event: ProgressEvent): number {
  if (event.OperationStatus === "SUCCESS") return 0;
  if (event.RetryAfter === undefined) return 5;
  return Math.min(300, Math.max(1, Math.ceil((event.RetryAfter.getTime() - Date.now()) / 1000)));
}

/**
 * Since a request ended, by a clock that may be fast (law F12): the SDK knows by how much it is off from AWS's, from five minutes
 * on, and a request has not ended before its token was used, which is of the database's clock.
 */
function secondsSince({ call, client }: Look, time: Date | undefined): number {
  if (time === undefined) return Number.POSITIVE_INFINITY;
  const now = Date.now() + (client.config?.systemClockOffset ?? 0);
  return Math.min((now - time.getTime()) / 1000, call.tokenAgeSeconds ?? Number.POSITIVE_INFINITY);
}
