import { GetResourceCommand } from "@aws-sdk/client-cloudcontrol";
import type { JsonObject } from "../../core/json.ts";
import { ask } from "../ask.ts";
import type { SdkError } from "../sdk-error.ts";
import { failure, failureOf } from "./failures.ts";
import type { Look, Sight } from "./look.ts";
import { ownerOf } from "./tags.ts";

/** Cloud Control says no more than "slow down"; five seconds let a bucket of 25 a second fill again many times over. */
const throttledSeconds = 5;

export async function readObject(look: Look, identifier: string): Promise<Sight> {
  const { client, call } = look;
  const command = new GetResourceCommand({ TypeName: call.kind, Identifier: identifier });
  const answer = await ask(client.send(command, { abortSignal: call.signal }));
  if (!answer.ok) {
    return isNotFound(answer.error) ? { sight: "nothing" } : unclear(look, answer.error);
  }
  const described = answer.output.ResourceDescription;
  const actual = JSON.parse(described?.Properties ?? "{}") as JsonObject;
  return { sight: "found", object: { identifier: described?.Identifier ?? identifier, actual } };
}

/** As `readObject`, for an object that must be ours: found by a name that anybody may give to anything. */
export async function readOurs(look: Look, identifier: string): Promise<Sight> {
  const found = await readObject(look, identifier);
  if (found.sight !== "found") return found;
  const owner = ownerOf(look.schema, look.call.desired, found.object.actual);
  // What Cairn has recorded and lost its tag is drift, and the tag is put back.
  if (owner === "ours" || (owner === "untagged" && identifier === look.call.identifier)) return found;
  return { sight: "unclear", failure: notOurs(look, identifier), retryAfterSeconds: null };
}

function notOurs({ call }: Look, identifier: string) {
  return failure(
    call.kind,
    "NOT_OURS",
    `an object named ${identifier} exists in the target and does not carry this resource's tag, so it is left alone; remove or rename it, or delete this resource and ask for it again under another name`,
    false,
  );
}

/** A look that failed says nothing about the object (law F14). */
export function unclear({ call, secrets }: Look, error: SdkError): Sight {
  if (error.kind === "throttled") {
    const limited = failure(call.kind, "THROTTLED", "AWS is limiting the rate of calls; it is looked at again", true);
    return { sight: "unclear", failure: limited, retryAfterSeconds: throttledSeconds };
  }
  if (error.kind === "lost") {
    const lost = failure(call.kind, "NO_ANSWER", "AWS did not answer; it is looked at again", true);
    return { sight: "unclear", failure: lost, retryAfterSeconds: null };
  }
  return {
    sight: "unclear",
    failure: failureOf(call.kind, error.name, error.message, secrets),
    retryAfterSeconds: null,
  };
}

export function isNotFound(error: SdkError): boolean {
  return error.kind === "answered" && /^(ResourceNotFound|NotFound)(Exception)?$/.test(error.name);
}
