import { CreateResourceCommand, DeleteResourceCommand, UpdateResourceCommand } from "@aws-sdk/client-cloudcontrol";
import type { Difference, Failure, Outcome, ProviderCall } from "../../core/provider.ts";
import { ask } from "../ask.ts";
import { whatDiffers } from "./differences.ts";
import { failure } from "./failures.ts";
import { identifierFrom } from "./find-object.ts";
import type { Look, Sight } from "./look.ts";
import { tokenSpent } from "./on-conflict.ts";
import { patchFor } from "./patch.ts";
import { isNotFound, readOurs } from "./read-object.ts";
import { coveredBy } from "./schema-path.ts";
import { settle } from "./settle.ts";
import { tokenLifeSeconds } from "./token-life.ts";

export async function createObject(look: Look): Promise<Outcome> {
  const { call, client } = look;
  if ((call.tokenAgeSeconds ?? 0) > tokenLifeSeconds) return { outcome: "rejected", failure: tokenSpent(call) };
  const command = new CreateResourceCommand({
    TypeName: call.kind,
    ClientToken: call.token,
    DesiredState: JSON.stringify(call.desired),
  });
  return settle(look, await ask(client.send(command, { abortSignal: call.signal })), identifierFrom(look));
}

/** Reads again, because what was observed may be a minute old, and changes only what still differs. */
export async function updateObject(look: Look, identifier: string): Promise<Outcome> {
  const { call, client, schema } = look;
  const sight = await readOurs(look, identifier);
  if (sight.sight === "unclear") return notSent(sight);
  if (sight.sight === "nothing") return notFoundNow(call);
  const { actual } = sight.object;
  const differences = await whatDiffers(look, actual, false);
  if (differences.length === 0) return { outcome: "accepted", request: call.request, identifier, retryAfterSeconds: 0 };
  const replacing = differences.filter(({ pointer }) => coveredBy(schema.createOnlyProperties, pointer));
  if (replacing.length > 0) return { outcome: "rejected", failure: needsReplacement(call, replacing) };
  if ((call.tokenAgeSeconds ?? 0) > tokenLifeSeconds) return { outcome: "rejected", failure: tokenSpent(call) };

  const command = new UpdateResourceCommand({
    TypeName: call.kind,
    Identifier: identifier,
    ClientToken: call.token,
    PatchDocument: JSON.stringify(patchFor(schema, call.desired, actual, differences)),
  });
  const answer = await ask(client.send(command, { abortSignal: call.signal }));
  return !answer.ok && isNotFound(answer.error) ? notFoundNow(call) : settle(look, answer, identifier);
}

export async function deleteObject(look: Look, identifier: string): Promise<Outcome> {
  const { call, client } = look;
  const command = new DeleteResourceCommand({ TypeName: call.kind, Identifier: identifier, ClientToken: call.token });
  const answer = await ask(client.send(command, { abortSignal: call.signal }));
  if (!answer.ok && isNotFound(answer.error)) {
    return { outcome: "accepted", request: null, identifier, retryAfterSeconds: 0 };
  }
  return settle(look, answer, identifier);
}

/** It was there a moment ago: whether it is gone, looks decide (law F15). */
function notFoundNow(call: ProviderCall): Outcome {
  const failed = failure(call.kind, "NOT_FOUND", "AWS does not find it any more; it is looked at again", true);
  return { outcome: "deferred", failure: failed, retryAfterSeconds: 1 };
}

/** The look before failed: only what is refused for its rate says when to come again. */
function notSent({ failure, retryAfterSeconds }: Sight & { sight: "unclear" }): Outcome {
  if (!failure.transient) return { outcome: "rejected", failure };
  return retryAfterSeconds === null
    ? { outcome: "unknown", failure }
    : { outcome: "throttled", failure, retryAfterSeconds };
}

function needsReplacement(call: ProviderCall, differences: readonly Difference[]): Failure {
  const pointers = differences.map(({ pointer }) => pointer).join(", ");
  return failure(
    call.kind,
    "REPLACEMENT_REQUIRED",
    `AWS can change ${pointers} only by replacing the object; set it back, or delete the resource and ask for it again`,
    false,
  );
}
