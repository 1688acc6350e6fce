import { ListResourceRequestsCommand, type ProgressEvent } from "@aws-sdk/client-cloudcontrol";
import type { Failure, Outcome, ProviderCall } from "../../core/provider.ts";
import { type Answer, ask } from "../ask.ts";
import { failure } from "./failures.ts";
import { retryAfter } from "./follow-request.ts";
import type { Look } from "./look.ts";
import { graceSeconds } from "./token-life.ts";

/**
 * The token is known to AWS with other values, or a replay was answered so: the first request was taken (law F2). If it
 * still runs it is followed. If nothing runs it has ended, and as the object was just seen not to be as wanted, it has
 * ended without effect: the next attempt, which looks first, takes another token.
 */
export async function onConflict(look: Look, identifier: string | null): Promise<Outcome> {
  const { call } = look;
  const running = await runningRequests(look);
  const event = running.ok
    ? running.output.find((one) => identifier !== null && one.Identifier === identifier)
    : undefined;
  if (event !== undefined) {
    return {
      outcome: "accepted",
      request: event.RequestToken ?? null,
      identifier,
      retryAfterSeconds: retryAfter(event),
    };
  }
  // One that does not say yet what it makes may be ours; and what AWS has just made it may not show yet (law F15).
  const nameless = running.ok && running.output.some((one) => one.Identifier === undefined);
  const tooEarly = identifier === null && (call.tokenAgeSeconds ?? 0) <= graceSeconds;
  if (!running.ok || nameless || tooEarly) {
    const message = "AWS has this request already; it is looked at";
    const conflict = failure(call.kind, "TOKEN_CONFLICT", message, true);
    return { outcome: "unknown", failure: running.ok ? { ...conflict, answered: true } : conflict };
  }
  return { outcome: "rejected", failure: tokenSpent(call) };
}

export function tokenSpent(call: ProviderCall): Failure {
  const message = "the request's token is used up without effect; it is asked again under a new one";
  return failure(call.kind, "TOKEN_SPENT", message, true);
}

/** Of this type. An account's running requests are few; of ended ones AWS keeps a week, so they are filtered out there. */
async function runningRequests(look: Look): Promise<Answer<ProgressEvent[]>> {
  const { call, client } = look;
  const events: ProgressEvent[] = [];
  let next: string | undefined;
  do {
    const command = new ListResourceRequestsCommand({
      MaxResults: 100,
      ResourceRequestStatusFilter: { OperationStatuses: ["PENDING", "IN_PROGRESS"] },
      ...(next === undefined ? {} : { NextToken: next }),
    });
    look.beyond += 1;
    const answer = await ask(client.send(command, { abortSignal: call.signal }));
    if (!answer.ok) return answer;
    events.push(...(answer.output.ResourceRequestStatusSummaries ?? []));
    next = answer.output.NextToken;
  } while (next !== undefined);
  return { ok: true, output: events.filter(({ TypeName }) => TypeName === call.kind) };
}
