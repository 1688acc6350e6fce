import { withoutProperties } from "../../aws-schemas/pointers.ts";
import { type Failure, type Observation, vanished } from "../../core/provider.ts";
import { whatDiffers } from "./differences.ts";
import { failure } from "./failures.ts";
import { findObject, identifierFrom } from "./find-object.ts";
import { type Followed, followRequest } from "./follow-request.ts";
import type { Look, Sight } from "./look.ts";
import { readOurs } from "./read-object.ts";
import { graceSeconds } from "./token-life.ts";

export async function observeObject(look: Look): Promise<Observation> {
  const { call } = look;
  const request = call.request === null ? null : await followRequest(look, call.request);
  if (request?.request === "unclear") return unknown(request.sight);
  if (request?.request === "running") return { state: "progressing", retryAfterSeconds: request.retryAfterSeconds };
  if (request?.request === "done" && request.operation === "DELETE") return { state: "absent" };

  const sight = await find(look, request);
  const failed = provenFailure(look, request, sight);
  const observation = await seen(look, request, sight);
  return failed === undefined ? observation : { ...observation, failed };
}

/**
 * What a creation has just made comes before what is recorded, which may have been removed by others and made anew. The
 * answer that named the new object may be lost as well, so where AWS makes the identifier, what is recorded and gone is
 * looked for by name and tag: it would be made a second time, or left behind when the resource is deleted.
 */
async function find(look: Look, request: Followed | null): Promise<Sight> {
  const told = request !== null && "identifier" in request ? request.identifier : null;
  const made = request?.request === "done" && request.operation === "CREATE" ? told : null;
  const identifier = made ?? look.call.identifier ?? told;
  if (identifier === null) return findObject(look);
  const sight = await readOurs(look, identifier);
  return sight.sight === "nothing" && made === null && identifierFrom(look) === null ? findObject(look) : sight;
}

async function seen(look: Look, request: Followed | null, sight: Sight): Promise<Observation> {
  if (sight.sight === "unclear") return unknown(sight);
  if (sight.sight === "nothing") {
    const justMade = request?.request === "done" && request.ageSeconds < graceSeconds;
    return justMade ? { state: "progressing", retryAfterSeconds: 5 } : { state: "absent" };
  }
  const { identifier, actual } = sight.object;
  const attributes = withoutProperties(actual, look.schema.writeOnlyProperties ?? []);
  // A request that an earlier operation made sent that one's values.
  const sent = request?.request === "done" && look.call.tokenAgeSeconds !== null;
  const differences = await whatDiffers(look, actual, sent);
  return differences.length === 0
    ? { state: "ready", identifier, attributes }
    : { state: "drifted", identifier, attributes, differences };
}

/** Only a request under this operation's own token can prove anything about that token. */
function provenFailure(look: Look, request: Followed | null, sight: Sight): Failure | undefined {
  const { call } = look;
  if (call.tokenAgeSeconds === null) return undefined;
  if (request?.request === "failed") {
    if (request.operation === "DELETE" && request.code === "NotFound") return undefined;
    // Somebody has the name. If the lookup showed whose, it has said so; nothing found means another account's.
    if (request.operation === "CREATE" && request.code === "AlreadyExists" && sight.sight !== "nothing")
      return undefined;
    return request.failure;
  }
  // Its token would answer "done" for ever, so making it anew takes another one.
  if (request?.request === "done" && sight.sight === "nothing" && request.ageSeconds >= graceSeconds) {
    return failure(call.kind, vanished, "it was made and is gone again; it is made anew", true);
  }
  return undefined;
}

function unknown({ failure, retryAfterSeconds }: Sight & { sight: "unclear" }): Observation {
  return { state: "unknown", failure, retryAfterSeconds };
}
