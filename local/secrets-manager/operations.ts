import { randomUUID } from "node:crypto";
import { AwsError } from "../cloud/aws-error.ts";
import { isObject, type Json, type JsonObject, textOf } from "../cloud/json.ts";
import { type CloudObject, findByUniqueName, findObject, listObjects, updateObject } from "../cloud/objects.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import {
  createSecret,
  moveStage,
  purgeSecret,
  putVersion,
  type SecretValue,
  secretArn,
  secretType,
  versionsOf,
} from "../cloud/secrets.ts";
import { settingsOf } from "./rotate-secret.ts";

type Operation = (cloud: Cloud, input: JsonObject) => JsonObject;

export const operations: { readonly [name: string]: Operation } = {
  CreateSecret: (cloud, input) => {
    const name = need(input, "Name");
    if (!/^[\w/+=.@!-]{1,512}$/.test(name))
      throw parameter("the secret's name has a character that is not allowed, or is too long");
    const value = valueIn(input);
    const versionId = token(input);
    const taken = findByUniqueName(cloud, secretType, name);
    if (taken !== undefined) {
      refuseScheduled(cloud, taken.identifier);
      // A retry of the request that made it is the same secret; anything else finds the name taken.
      const version = versionsOf(cloud, taken.identifier).find((known) => known.versionId === versionId);
      if (version !== undefined && sameValue(version, value))
        return { ARN: taken.identifier, Name: name, VersionId: versionId };
      throw new AwsError("ResourceExistsException", `The operation failed because the secret ${name} already exists.`);
    }
    const arn = secretArn(cloud, name);
    const properties = compact({ Description: input.Description, KmsKeyId: input.KmsKeyId, Tags: tagsIn(input) });
    const at = cloud.now();
    createSecret(cloud, {
      arn,
      name,
      madeBy: "secrets-manager",
      clientToken: versionId,
      at,
      properties,
      value,
      versionId,
    });
    return compact({ ARN: arn, Name: name, VersionId: value === undefined ? undefined : versionId });
  },

  GetSecretValue: (cloud, input) => {
    const { identifier: ARN, properties } = usable(cloud, input);
    const stage = textOf(input.VersionStage) ?? "AWSCURRENT";
    const id = textOf(input.VersionId);
    const version = versionsOf(cloud, ARN).find((one) =>
      id === undefined ? one.stages.includes(stage) : one.versionId === id,
    );
    if (
      version === undefined ||
      isEmpty(version) ||
      (id !== undefined && input.VersionStage !== undefined && !version.stages.includes(stage))
    ) {
      const wanted = id === undefined ? `staging label: ${stage}` : `VersionId: ${id}`;
      throw notFound(`Secrets Manager can't find the specified secret value for ${wanted}`);
    }
    return compact({
      ARN,
      Name: properties.Name,
      VersionId: version.versionId,
      SecretString: version.secretString,
      SecretBinary: version.secretBinary,
      VersionStages: version.stages,
      CreatedDate: version.createdAt / 1000,
    });
  },

  DescribeSecret: (cloud, input) => describe(cloud, find(cloud, input)),

  PutSecretValue: (cloud, input) => {
    const { identifier: ARN, properties } = usable(cloud, input);
    const value = valueIn(input);
    if (value === undefined) throw parameter("You must provide either SecretString or SecretBinary.");
    const stages = Array.isArray(input.VersionStages) ? input.VersionStages.map(String) : ["AWSCURRENT"];
    const VersionId = addVersion(cloud, ARN, token(input), value, stages);
    return compact({ ARN, Name: properties.Name, VersionId, VersionStages: stages });
  },

  UpdateSecretVersionStage: (cloud, input) => {
    const { identifier: ARN, properties } = usable(cloud, input);
    const stage = need(input, "VersionStage");
    const to = textOf(input.MoveToVersionId);
    const from = textOf(input.RemoveFromVersionId);
    const versions = versionsOf(cloud, ARN);
    for (const id of [to, from])
      if (id !== undefined && !versions.some(({ versionId }) => versionId === id))
        throw notFound("Secrets Manager can't find the specified secret version.");
    const holder = versions.find(({ stages }) => stages.includes(stage))?.versionId;
    if (to === undefined && stage === "AWSCURRENT")
      throw parameter(
        "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.",
      );
    if (from !== holder && (from !== undefined || holder !== to))
      throw parameter(
        `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    moveStage(cloud, ARN, stage, holder, to);
    return compact({ ARN, Name: properties.Name });
  },

  UpdateSecret: (cloud, input) => {
    const { identifier: ARN, properties } = usable(cloud, input);
    const changed = compact({ Description: input.Description, KmsKeyId: input.KmsKeyId });
    updateObject(cloud, secretType, ARN, { ...properties, ...changed });
    const value = valueIn(input);
    const VersionId = value === undefined ? undefined : addVersion(cloud, ARN, token(input), value, ["AWSCURRENT"]);
    return compact({ ARN, Name: properties.Name, VersionId });
  },

  DeleteSecret: (cloud, input) => {
    const { identifier: ARN, properties } = find(cloud, input);
    const now = cloud.now();
    const force = input.ForceDeleteWithoutRecovery === true;
    const days = input.RecoveryWindowInDays;
    if (force && days !== undefined)
      throw parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
    const window = days === undefined ? 30 : Number(days);
    if (!Number.isInteger(window) || window < 7 || window > 30)
      throw parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
    if (!force) refuseScheduled(cloud, ARN);
    const deletesAt = force ? now : now + window * 86_400_000;
    if (force) purgeSecret(cloud, ARN, now);
    else cloud.db.prepare("update secrets set deletion_at = ?, deletes_at = ? where arn = ?").run(now, deletesAt, ARN);
    return compact({ ARN, Name: properties.Name, DeletionDate: deletesAt / 1000 });
  },

  RestoreSecret: (cloud, input) => {
    const { identifier: ARN, properties } = find(cloud, input);
    cloud.db.prepare("update secrets set deletion_at = null, deletes_at = null where arn = ?").run(ARN);
    return compact({ ARN, Name: properties.Name });
  },

  ListSecrets: (cloud, input) => {
    const filters = Array.isArray(input.Filters) ? input.Filters.filter(isObject) : [];
    const size = Math.min(100, Number(input.MaxResults ?? 100));
    const after = input.NextToken === undefined ? "" : Buffer.from(need(input, "NextToken"), "base64url").toString();
    const found = listObjects(cloud, secretType, after)
      .filter(({ identifier }) => input.IncludePlannedDeletion === true || scheduled(cloud, identifier) === undefined)
      .filter((secret) => filters.every((filter) => passes(secret, filter)));
    const shown = found.slice(0, size);
    const last = shown.at(-1);
    const more = found.length > size && last !== undefined;
    return {
      SecretList: shown.map((secret) => {
        const { VersionIdsToStages, ...rest } = describe(cloud, secret);
        return { ...rest, SecretVersionsToStages: VersionIdsToStages ?? {} };
      }),
      ...(more ? { NextToken: Buffer.from(last.identifier).toString("base64url") } : {}),
    };
  },

  TagResource: (cloud, input) => {
    const { identifier, properties } = usable(cloud, input);
    const added = tagsIn(input) ?? [];
    const keys = new Set(added.map(({ Key }) => Key));
    const kept = tagsOf(properties).filter(({ Key }) => !keys.has(Key));
    updateObject(cloud, secretType, identifier, { ...properties, Tags: [...kept, ...added] });
    return {};
  },

  UntagResource: (cloud, input) => {
    const { identifier, properties } = usable(cloud, input);
    const keys = Array.isArray(input.TagKeys) ? input.TagKeys : [];
    const kept = tagsOf(properties).filter(({ Key }) => !keys.includes(Key));
    updateObject(cloud, secretType, identifier, { ...properties, Tags: kept });
    return {};
  },
};

/** The same token with the same value was already done; with another value it is refused. */
function addVersion(cloud: Cloud, arn: string, versionId: string, value: SecretValue, stages: string[]): string {
  const known = versionsOf(cloud, arn).find((version) => version.versionId === versionId);
  if (known === undefined || isEmpty(known)) putVersion(cloud, arn, versionId, value, stages, cloud.now());
  else if (!sameValue(known, value))
    throw new AwsError(
      "ResourceExistsException",
      `You can't modify an existing version: the ClientRequestToken ${versionId} is in use.`,
    );
  return versionId;
}

function describe(cloud: Cloud, { identifier: ARN, properties, createdAt, madeBy }: CloudObject): JsonObject {
  const row = cloud.db.prepare("select * from secrets where arn = ?").get(ARN);
  const versions = versionsOf(cloud, ARN).filter(({ stages }) => stages.length > 0);
  const deletion = row?.deletion_at ?? null;
  const rotation = settingsOf(cloud, ARN);
  return compact({
    ARN,
    Name: properties.Name,
    Description: properties.Description,
    KmsKeyId: properties.KmsKeyId,
    Tags: tagsOf(properties),
    CreatedDate: createdAt / 1000,
    LastChangedDate: Number(row?.changed_at ?? createdAt) / 1000,
    DeletedDate: deletion === null ? undefined : Number(deletion) / 1000,
    RotationEnabled: rotation === undefined ? undefined : true,
    RotationLambdaARN: rotation?.functionArn,
    RotationRules: rotation?.rules,
    LastRotatedDate: rotation?.rotatedAt === undefined ? undefined : rotation.rotatedAt / 1000,
    OwningService: madeBy === "rds" ? "rds" : undefined,
    VersionIdsToStages: Object.fromEntries(versions.map(({ versionId, stages }) => [versionId, stages])),
  });
}

function find(cloud: Cloud, input: JsonObject): CloudObject {
  const found = findSecret(cloud, need(input, "SecretId"));
  if (found === undefined) throw notFound("Secrets Manager can't find the specified secret.");
  return found;
}

/** By name, by ARN, or by an ARN without its six random characters, as the service takes it. */
export function findSecret(cloud: Cloud, id: string): CloudObject | undefined {
  const name = /^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)$/.exec(id)?.[1] ?? id;
  return findObject(cloud, secretType, id) ?? findByUniqueName(cloud, secretType, name);
}

/** @throws {AwsError} when there is no such secret, or it is about to be deleted */
export function usable(cloud: Cloud, input: JsonObject): CloudObject {
  const found = find(cloud, input);
  refuseScheduled(cloud, found.identifier);
  return found;
}

function scheduled(cloud: Cloud, arn: string): number | undefined {
  const row = cloud.db.prepare("select deletion_at from secrets where arn = ? and deletion_at is not null").get(arn);
  return row === undefined ? undefined : Number(row.deletion_at);
}

function refuseScheduled(cloud: Cloud, arn: string): void {
  if (scheduled(cloud, arn) === undefined) return;
  const message = "You can't perform this operation on the secret because it is scheduled for deletion.";
  throw new AwsError("InvalidRequestException", message);
}

function passes(secret: CloudObject, { Key: key, Values: values }: JsonObject): boolean {
  const texts = new Map([
    ["name", [String(secret.properties.Name)]],
    ["description", [String(secret.properties.Description ?? "")]],
    ["tag-key", tagsOf(secret.properties).map((tag) => tag.Key)],
    ["tag-value", tagsOf(secret.properties).map((tag) => tag.Value)],
  ]).get(String(key));
  if (texts === undefined || !Array.isArray(values)) throw parameter(`${String(key)} is no filter that is known here`);
  // A value is a prefix; with ! in front it must not be one.
  return values.map(String).some((value) => {
    const negated = value.startsWith("!");
    const prefix = negated ? value.slice(1) : value;
    return texts.some((text) => text.startsWith(prefix)) !== negated;
  });
}

type Tag = { Key: string; Value: string };

export function tagsOf(properties: JsonObject): Tag[] {
  return Array.isArray(properties.Tags) ? (properties.Tags as Tag[]) : [];
}

function tagsIn(input: JsonObject): Tag[] | undefined {
  if (input.Tags === undefined) return undefined;
  const tags = Array.isArray(input.Tags) ? input.Tags.filter(isObject) : [];
  return tags.map(({ Key, Value }) => {
    if (typeof Key !== "string" || Key === "" || Key.toLowerCase().startsWith("aws:"))
      throw parameter("a tag's key must be text that does not begin with aws:");
    return { Key, Value: String(Value ?? "") };
  });
}

function valueIn(input: JsonObject): SecretValue | undefined {
  const { SecretString: secretString, SecretBinary: secretBinary } = input;
  if (secretString === undefined && secretBinary === undefined) return undefined;
  if (secretString !== undefined && secretBinary !== undefined)
    throw parameter("You can't specify both a binary secret value and a string secret value in the same secret.");
  const text = String(secretString ?? secretBinary);
  if (text.length === 0 || Buffer.byteLength(text) > 65_536) throw parameter("a secret's value is 1 to 65536 bytes");
  return secretString === undefined ? { secretBinary: text } : { secretString: text };
}

function token(input: JsonObject): string {
  const given = input.ClientRequestToken === undefined ? randomUUID() : need(input, "ClientRequestToken");
  if (given.length < 32 || given.length > 64) throw parameter("ClientRequestToken must be 32-64 characters long.");
  return given;
}

/** A rotation makes its version before it has a value. */
function isEmpty({ secretString, secretBinary }: SecretValue): boolean {
  return secretString === undefined && secretBinary === undefined;
}

function sameValue(one: SecretValue, other: SecretValue | undefined): boolean {
  return one.secretString === other?.secretString && one.secretBinary === other?.secretBinary;
}

function need(input: JsonObject, name: string): string {
  const value = textOf(input[name]);
  if (value !== undefined) return value;
  throw new AwsError("ValidationException", `Value at '${name}' must be a non-empty string`);
}

function compact(members: { [name: string]: Json | undefined }): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject;
}

function parameter(message: string): AwsError {
  return new AwsError("InvalidParameterException", message);
}

function notFound(message: string): AwsError {
  return new AwsError("ResourceNotFoundException", message);
}
