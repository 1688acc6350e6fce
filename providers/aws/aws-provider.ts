import {
  type CloudControlClient,
  CreateResourceCommand,
  DeleteResourceCommand,
  type ProgressEvent,
  UpdateResourceCommand,
} from "@aws-sdk/client-cloudcontrol";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { withoutProperties } from "../../aws-schemas/pointers.ts";
import { hashOf, type JsonObject } from "../../core/json.ts";
import type { Difference, Failure, Observation, Outcome, Provider, ProviderCall } from "../../core/provider.ts";
import { type Answer, ask } from "../ask.ts";
import { perTarget } from "../per-target.ts";
import { differencesOf } from "./compare.ts";
import { failure, failureOf } from "./failures.ts";
import { findObject } from "./find-object.ts";
import { type Followed, followed, followRequest, retryAfter } from "./follow-request.ts";
import type { FoundObject, Look, Sight } from "./look.ts";
import { patchFor } from "./patch.ts";
import { isNotFound, readOurs } from "./read-object.ts";
import { coveredBy } from "./schema-path.ts";
import { secretsIn } from "./secrets.ts";

export type AwsProviderPorts = {
  /** A client in the target's account and region, with SDK retries off (`maxAttempts: 1`): the state machine retries. */
  clientFor(target: JsonObject): CloudControlClient;
  readSchema(typeName: string): AwsSchema | undefined;
};

/** Cloud Control keeps a ClientToken for 36 hours; an hour less, because nobody's clock is perfect. */
const tokenLifeSeconds = 35 * 3600;
/** How long AWS may deny knowing what it has just made (law F15). */
const graceSeconds = 120;

/** All of `AWS::*` through Cloud Control; what is particular to a type is in AWS's own schema of it. */
export function createAwsProvider({ clientFor, readSchema }: AwsProviderPorts): Provider {
  const client = perTarget(clientFor);
  const look = (call: ProviderCall): Look | null => {
    const schema = readSchema(call.kind);
    return schema ? { call, schema, client: client(call.target), secrets: secretsIn(schema, call.desired) } : null;
  };
  return {
    name: "aws",
    async observe(call) {
      const at = look(call);
      return at ? observe(at) : { state: "unknown", failure: noSchema(call), retryAfterSeconds: null };
    },
    async apply(call, observed) {
      const at = look(call);
      if (!at) return { outcome: "rejected", failure: noSchema(call) };
      return observed.state === "absent" ? create(at) : update(at, observed.identifier);
    },
    async destroy(call, { identifier }) {
      const at = look(call);
      return at ? destroy(at, identifier) : { outcome: "rejected", failure: noSchema(call) };
    },
  };
}

async function observe(look: Look): Promise<Observation> {
  const { call } = look;
  const request = call.request === null ? null : await followRequest(look, call.request);
  if (request?.request === "unclear") return unknown(request.sight);
  if (request?.request === "running") return { state: "progressing", retryAfterSeconds: request.retryAfterSeconds };
  if (request?.request === "done" && request.operation === "DELETE") return { state: "absent" };

  const identifier = call.identifier ?? (request && "identifier" in request ? request.identifier : null);
  const sight = identifier === null ? await findObject(look) : await readOurs(look, identifier);
  const failed = provenFailure(look, request, sight);
  const observation = await seen(look, request, sight);
  return failed === undefined ? observation : { ...observation, failed };
}

async function seen(look: Look, request: Followed | null, sight: Sight): Promise<Observation> {
  if (sight.sight === "unclear") return unknown(sight);
  if (sight.sight === "nothing") {
    const justMade = request?.request === "done" && request.ageSeconds < graceSeconds;
    return justMade ? { state: "progressing", retryAfterSeconds: 5 } : { state: "absent" };
  }
  const { identifier, actual } = sight.object;
  const attributes = withoutProperties(actual, look.schema.writeOnlyProperties ?? []);
  const sent = request?.request === "done";
  const differences = [
    ...(await differencesOf(look.schema, look.call.desired, actual)),
    ...(sent ? [] : unsentSecrets(look)),
  ];
  return differences.length === 0
    ? { state: "ready", identifier, attributes }
    : { state: "drifted", identifier, attributes, differences };
}

/** What is never returned cannot be compared: it differs when the values last sent were others. */
function unsentSecrets({ call, schema }: Look): Difference[] {
  if (typeof call.sentHash !== "string" || call.sentHash === hashOf(call.desired)) return [];
  return Object.keys(call.desired)
    .map((key) => `/${key}`)
    .filter((pointer) => coveredBy(schema.writeOnlyProperties, pointer))
    .map((pointer) => ({ pointer, expected: "(not shown)", actual: "(not shown)" }));
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
    return failure(call.kind, "VANISHED", "it was made and is gone again; it is made anew", true);
  }
  return undefined;
}

async function create(look: Look): Promise<Outcome> {
  const { call, client } = look;
  if ((call.tokenAgeSeconds ?? 0) > tokenLifeSeconds) return { outcome: "rejected", failure: tokenSpent(call) };
  const command = new CreateResourceCommand({
    TypeName: call.kind,
    ClientToken: call.token,
    DesiredState: JSON.stringify(call.desired),
  });
  return settle(look, await ask(client.send(command, { abortSignal: call.signal })));
}

/** Reads again, because what was observed may be a minute old, and changes only what still differs. */
async function update(look: Look, identifier: string): Promise<Outcome> {
  const { call, client, schema } = look;
  const sight = await readOurs(look, identifier);
  if (sight.sight === "unclear") return notSent(sight);
  if (sight.sight === "nothing") {
    return notSent({
      failure: failure(call.kind, "NOT_FOUND", "it is gone since it was looked at", true),
      retryAfterSeconds: 1,
    });
  }
  const { actual } = sight.object;
  const differences = [...(await differencesOf(schema, call.desired, actual)), ...unsentSecrets(look)];
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
  return settle(look, await ask(client.send(command, { abortSignal: call.signal })), sight.object);
}

async function destroy(look: Look, identifier: string): Promise<Outcome> {
  const { call, client } = look;
  const command = new DeleteResourceCommand({ TypeName: call.kind, Identifier: identifier, ClientToken: call.token });
  const answer = await ask(client.send(command, { abortSignal: call.signal }));
  if (!answer.ok && isNotFound(answer.error)) {
    return { outcome: "accepted", request: null, identifier, retryAfterSeconds: 0 };
  }
  return settle(look, answer);
}

type Requested = Answer<{ ProgressEvent?: ProgressEvent | undefined }>;

function settle(look: Look, answer: Requested, updated?: FoundObject): Outcome {
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
  if (error.name === "ClientTokenConflictException") return onConflict(call, updated !== undefined);
  if (error.name === "AlreadyExistsException")
    return { outcome: "accepted", request: null, identifier: null, retryAfterSeconds: 0 };
  if (error.name === "GeneralServiceException")
    return { outcome: "unknown", failure: failureOf(call.kind, error.name, error.message, secrets) };
  return { outcome: "rejected", failure: failureOf(call.kind, error.name, error.message, secrets) };
}

/** Refused because the object is busy: nothing happened, and the same request is good later. */
const busy = new Set(["ConcurrentOperationException", "ConcurrentModificationException"]);

/**
 * The token is known to AWS with other values, or a replay was answered so: the first request was taken (law F2), and the
 * next look shows what became of it. An update that a while later still is not what it should be has ended without
 * effect, and as it names its object, another one under a new token cannot make a second.
 */
function onConflict(call: ProviderCall, isUpdate: boolean): Outcome {
  const spent = isUpdate && (call.tokenAgeSeconds ?? 0) > graceSeconds;
  return spent
    ? { outcome: "rejected", failure: tokenSpent(call) }
    : {
        outcome: "unknown",
        failure: failure(call.kind, "TOKEN_CONFLICT", "AWS has this request already; it is looked at", true),
      };
}

function notSent({ failure, retryAfterSeconds }: { failure: Failure; retryAfterSeconds: number | null }): Outcome {
  return failure.transient
    ? { outcome: "throttled", failure, retryAfterSeconds: retryAfterSeconds ?? 5 }
    : { outcome: "rejected", failure };
}

function unknown({ failure, retryAfterSeconds }: Sight & { sight: "unclear" }): Observation {
  return { state: "unknown", failure, retryAfterSeconds };
}

function tokenSpent(call: ProviderCall): Failure {
  return failure(
    call.kind,
    "TOKEN_SPENT",
    "the request's token is used up without effect; it is asked again under a new one",
    true,
  );
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

function noSchema(call: ProviderCall): Failure {
  return failure(
    call.kind,
    "UNKNOWN_KIND",
    "AWS publishes no schema of this type that Cairn knows, or the type cannot be made through Cloud Control",
    false,
  );
}
