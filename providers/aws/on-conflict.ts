import { ListResourceRequestsCommand, type ProgressEvent } from "@aws-sdk/client-cloudcontrol";
import type { Failure, Outcome, ProviderCall } from "../../core/provider.ts";
import { type Answer, ask } from "../ask.ts";
import { failure } from "./failures.ts";
import { retryAfter } from "./follow-request.ts";
import type { Look } from "./look.ts";
import { readObject } from "./read-object.ts";
import { ownerIn } from "./tags.ts";
import { graceSeconds } from "./token-life.ts";

/** Running creates of one type; with more of them it is waited for fewer. */
const readsAtMost = 10;

/**
 * The token is known to AWS with other values, or a replay was answered so: the first request was taken (law F2). If it
 * still runs it is followed. If nothing runs it has ended, and as the object was just seen not to be as wanted, it has
 * ended without effect: the next attempt, which looks first, takes another token.
 */
export async function onConflict(look: Look, identifier: string | null): Promise<Outcome> {
  const { call } = look;
  const running = await runningRequests(look);
  const own = running.ok ? await ownAmong(look, identifier, running.output) : "unclear";
  if (typeof own === "object") {
    return {
      outcome: "accepted",
      request: own.RequestToken ?? null,
      identifier: own.Identifier ?? null,
      retryAfterSeconds: retryAfter(own),
    };
  }
  // What AWS has just made it may not show yet (law F15).
  const tooEarly = identifier === null && (call.tokenAgeSeconds ?? 0) <= graceSeconds;
  if (own === "unclear" || tooEarly) {
    const message = "AWS has this request already; it is looked at";
    const conflict = failure(call.kind, "TOKEN_CONFLICT", message, true);
    return { outcome: "unknown", failure: running.ok ? { ...conflict, answered: true } : conflict };
  }
  return { outcome: "rejected", failure: tokenSpent(call) };
}

/**
 * The running request that is this operation's; `unclear` where one may be. A create whose identifier AWS makes says what it makes
 * or does not say it yet, and until its object and its tag can be read, which may take minutes, nobody knows whose it is.
 */
async function ownAmong(
  look: Look,
  identifier: string | null,
  running: readonly ProgressEvent[],
): Promise<ProgressEvent | "none" | "unclear"> {
  const named = running.find((one) => identifier !== null && one.Identifier === identifier);
  if (named !== undefined) return named;
  if (running.some((one) => one.Identifier === undefined)) return "unclear";
  if (identifier !== null) return "none";
  const creates = running.filter(({ Operation }) => Operation === "CREATE");
  if (creates.length > readsAtMost) return "unclear";
  const wanted = ownerIn(look.schema, look.call.desired);
  let anyUnread = false;
  for (const one of creates) {
    look.beyond += 1;
    const read = await readObject(look, one.Identifier ?? "");
    const owner = read.sight === "found" ? ownerIn(look.schema, read.object.actual) : null;
    if (wanted === null || owner === null) anyUnread = true;
    else if (owner === wanted) return one;
  }
  return anyUnread ? "unclear" : "none";
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
