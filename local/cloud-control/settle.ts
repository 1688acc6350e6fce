import { randomUUID } from "node:crypto";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { withoutProperties } from "../../aws-schemas/pointers.ts";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import { primaryIdentifierOf, tagsProperty } from "../../aws-schemas/resource-model.ts";
import { isObject, type JsonObject } from "../cloud/json.ts";
import { deleteObject, findByUniqueName, findObject, insertObject, updateObject } from "../cloud/objects.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { generateSecretString } from "../cloud/random-password.ts";
import { createSecret, purgeDueSecrets, purgeSecret, putVersion, secretType } from "../cloud/secrets.ts";
import { uniqueNameOf } from "./made-properties.ts";
import { dropMasterSecret, makeMasterSecret } from "./master-secret.ts";
import { dueRequests, endRequest, forgetOldRequests, type Request } from "./requests.ts";

/** Why a handler says no: the progress event's ErrorCode and message. */
class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Gives every accepted change whose time has come its effect, in the order of their times. Called before each look at the
 * cloud, so no timer has to survive a kill: what was accepted is a row, and the next look finds it done.
 */
export function settle(cloud: Cloud): void {
  const now = cloud.now();
  purgeDueSecrets(cloud, now);
  if (dueRequests(cloud, now).length === 0) return;
  cloud.transaction(() => {
    // Looked up again: whoever else serves this file may have been first.
    for (const request of dueRequests(cloud, now)) end(cloud, request);
    forgetOldRequests(cloud, now);
  });
}

function end(cloud: Cloud, request: Request): void {
  const at = request.dueAt;
  const planted = request.work.error;
  try {
    if (planted?.effect === false) throw new Refusal(planted.code, "the handler failed");
    const identifier = effect(cloud, request);
    if (planted !== undefined) {
      endRequest(cloud, request, {
        status: "FAILED",
        at,
        errorCode: planted.code,
        message: "the handler failed",
        identifier,
      });
    } else endRequest(cloud, request, { status: "SUCCESS", at, identifier });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    endRequest(cloud, request, { status: "FAILED", at, errorCode: error.code, message: error.message });
  }
}

function effect(cloud: Cloud, request: Request): string {
  const schema = readSchema(request.typeName);
  if (schema === undefined) throw new Refusal("InternalFailure", `${request.typeName} has no schema`);
  if (request.operation === "CREATE") return create(cloud, schema, request);
  const { typeName, identifier } = request;
  const found = identifier === null ? undefined : findObject(cloud, typeName, identifier);
  if (identifier === null || found === undefined) {
    throw new Refusal("NotFound", `Resource of type '${typeName}' with identifier '${identifier}' was not found.`);
  }
  if (request.operation === "UPDATE") update(cloud, schema, request, identifier, found.properties);
  else remove(cloud, request, identifier, found.properties);
  return identifier;
}

function create(cloud: Cloud, schema: AwsSchema, request: Request): string {
  const { typeName, dueAt: at, clientToken, work } = request;
  check(schema, work.properties);
  const identifier = primaryIdentifierOf(schema, work.properties) ?? "";
  const uniqueName = uniqueNameOf(schema, work.properties);
  const taken = findByUniqueName(cloud, typeName, uniqueName) ?? findObject(cloud, typeName, identifier);
  if (taken !== undefined) {
    throw new Refusal(
      "AlreadyExists",
      `Resource of type '${typeName}' with identifier '${taken.identifier}' already exists.`,
    );
  }
  const made = { madeBy: "cloud-control", clientToken, at };
  if (typeName === secretType) {
    const secretString = secretStringOf(work.properties);
    const value = secretString === undefined ? undefined : { secretString };
    const properties = withoutProperties(work.properties, schema.writeOnlyProperties ?? []);
    createSecret(cloud, { arn: identifier, name: uniqueName, ...made, properties, value });
    return identifier;
  }
  const properties = makeMasterSecret(cloud, typeName, work.properties, at);
  insertObject(cloud, {
    typeName,
    identifier,
    uniqueName,
    madeBy: made.madeBy,
    clientToken,
    createdAt: at,
    properties,
  });
  return identifier;
}

function update(cloud: Cloud, schema: AwsSchema, request: Request, identifier: string, before: JsonObject): void {
  const { typeName, dueAt: at, work } = request;
  check(schema, work.properties);
  if (typeName === secretType) {
    const secretString = secretStringOf(work.properties);
    if (secretString !== undefined) putVersion(cloud, identifier, randomUUID(), { secretString }, ["AWSCURRENT"], at);
    updateObject(cloud, typeName, identifier, withoutProperties(work.properties, schema.writeOnlyProperties ?? []));
    return;
  }
  // A managed password that is given up takes its secret along; one that is wanted now gets one.
  const had = before.ManageMasterUserPassword === true;
  const wants = work.properties.ManageMasterUserPassword === true;
  if (had && !wants) dropMasterSecret(cloud, before, at);
  const properties = { ...neverUndone(typeName, before), ...work.properties };
  const { MasterUserSecret, ...rest } = properties;
  const kept = had && !wants ? rest : properties;
  updateObject(cloud, typeName, identifier, had ? kept : makeMasterSecret(cloud, typeName, kept, at));
}

/** Versions may exist from then on: a bucket that was versioned once can only be suspended. */
function neverUndone(typeName: string, before: JsonObject): JsonObject {
  const versioned = typeName === "AWS::S3::Bucket" && before.VersioningConfiguration !== undefined;
  return versioned ? { VersioningConfiguration: { Status: "Suspended" } } : {};
}

function remove(cloud: Cloud, request: Request, identifier: string, properties: JsonObject): void {
  const { typeName, dueAt: at } = request;
  if (properties.DeletionProtection === true || properties.DeletionProtectionEnabled === true) {
    throw new Refusal(
      "InvalidRequest",
      `Cannot delete protected '${identifier}': disable deletion protection and try again.`,
    );
  }
  if (typeName === secretType) {
    purgeSecret(cloud, identifier, at);
    return;
  }
  dropMasterSecret(cloud, properties, at);
  deleteObject(cloud, typeName, identifier, at);
}

function secretStringOf(properties: JsonObject): string | undefined {
  if (typeof properties.SecretString === "string") return properties.SecretString;
  return isObject(properties.GenerateSecretString) ? generateSecretString(properties.GenerateSecretString) : undefined;
}

/** What the schemas cannot say, and the service's handler refuses. */
function check(schema: AwsSchema, model: JsonObject): void {
  const tags = tagKeys(schema, model);
  const system = tags.find((key) => key.toLowerCase().startsWith("aws:"));
  if (system !== undefined)
    throw new Refusal("InvalidRequest", `the tag ${system} begins with aws:, which AWS keeps for itself`);
  if (new Set(tags).size < tags.length) throw new Refusal("InvalidRequest", "two tags have the same key");
  if (schema.typeName === "AWS::SQS::Queue") {
    const named = String(model.QueueName).endsWith(".fifo");
    if (named !== (model.FifoQueue === true))
      throw new Refusal("InvalidRequest", "the name of a FIFO queue, and of no other, ends in .fifo");
  }
  if (schema.typeName !== secretType) return;
  if (model.SecretString !== undefined && model.GenerateSecretString !== undefined)
    throw new Refusal("InvalidRequest", "You can't specify both SecretString and GenerateSecretString");
  try {
    secretStringOf(model);
  } catch (error) {
    throw new Refusal("InvalidRequest", (error as Error).message);
  }
}

function tagKeys(schema: AwsSchema, model: JsonObject): string[] {
  const place = tagsProperty(schema);
  const tags = place === undefined ? undefined : model[place.pointer.slice(1)];
  if (place?.shape === "map") return isObject(tags) ? Object.keys(tags) : [];
  return Array.isArray(tags) ? tags.filter(isObject).map((tag) => String(tag[place?.key ?? "Key"])) : [];
}
