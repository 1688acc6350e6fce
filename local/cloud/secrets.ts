import { randomInt, randomUUID } from "node:crypto";
import type { JsonObject } from "./json.ts";
import { deleteObject, insertObject } from "./objects.ts";
import type { Cloud } from "./open-cloud.ts";

// A secret is one object, whoever made it: Secrets Manager's own API, Cloud Control, or RDS for a master password.

export const secretType = "AWS::SecretsManager::Secret";

export type SecretValue = { secretString?: string | undefined; secretBinary?: string | undefined };

/** The ARN a new secret gets: AWS adds six characters, so that a deleted secret's policies do not fit its successor. */
export function secretArn(cloud: Cloud, name: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const suffix = Array.from({ length: 6 }, () => letters.charAt(randomInt(letters.length))).join("");
  return `arn:aws:secretsmanager:${cloud.region}:${cloud.accountId}:secret:${name}-${suffix}`;
}

export type NewSecret = {
  arn: string;
  name: string;
  madeBy: string;
  clientToken: string | null;
  at: number;
  properties: JsonObject;
  value: SecretValue | undefined;
  versionId?: string | undefined;
};

/** To be called inside a transaction, after the name was found free. */
export function createSecret(cloud: Cloud, secret: NewSecret): void {
  const { arn, name, madeBy, clientToken, at, value, versionId = randomUUID() } = secret;
  const properties = { ...secret.properties, Id: arn, Name: name };
  insertObject(cloud, {
    typeName: secretType,
    identifier: arn,
    uniqueName: name,
    madeBy,
    clientToken,
    createdAt: at,
    properties,
  });
  cloud.db.prepare("insert into secrets (arn, name, changed_at) values (?, ?, ?)").run(arn, name, at);
  if (value !== undefined) putVersion(cloud, arn, versionId, value, ["AWSCURRENT"], at);
}

/** Adds a version, or gives a rotation's empty one its value. A stage it takes leaves the version that had it. */
export function putVersion(
  cloud: Cloud,
  arn: string,
  versionId: string,
  value: SecretValue,
  stages: readonly string[],
  at: number,
): void {
  cloud.db
    .prepare(
      `insert into secret_versions values (?, ?, ?, ?, '[]', ?)
       on conflict (arn, version_id) do update set secret_string = excluded.secret_string, secret_binary = excluded.secret_binary`,
    )
    .run(arn, versionId, value.secretString ?? null, value.secretBinary ?? null, at);
  for (const stage of stages) {
    const holder = versionsOf(cloud, arn).find((version) => version.stages.includes(stage));
    moveStage(cloud, arn, stage, holder?.versionId, versionId);
  }
  cloud.db.prepare("update secrets set changed_at = ? where arn = ?").run(at, arn);
}

/** Takes a stage from one version and gives it to another; what was current becomes previous. */
export function moveStage(
  cloud: Cloud,
  arn: string,
  stage: string,
  from: string | undefined,
  to: string | undefined,
): void {
  if (from === to) return;
  const stagesOf = (id: string) => versionsOf(cloud, arn).find(({ versionId }) => versionId === id)?.stages ?? [];
  if (from !== undefined)
    setStages(
      cloud,
      arn,
      from,
      stagesOf(from).filter((other) => other !== stage),
    );
  if (to !== undefined) setStages(cloud, arn, to, [...stagesOf(to), stage]);
  if (stage !== "AWSCURRENT" || from === undefined) return;
  const previous = versionsOf(cloud, arn).find(({ stages }) => stages.includes("AWSPREVIOUS"));
  moveStage(cloud, arn, "AWSPREVIOUS", previous?.versionId, from);
}

function setStages(cloud: Cloud, arn: string, versionId: string, stages: readonly string[]): void {
  cloud.db
    .prepare("update secret_versions set stages = ? where arn = ? and version_id = ?")
    .run(JSON.stringify([...new Set(stages)]), arn, versionId);
}

export type SecretVersion = SecretValue & { versionId: string; stages: string[]; createdAt: number };

export function versionsOf(cloud: Cloud, arn: string): SecretVersion[] {
  const rows = cloud.db.prepare("select * from secret_versions where arn = ? order by created_at").all(arn);
  return rows.map((row) => ({
    versionId: String(row.version_id),
    stages: JSON.parse(String(row.stages)) as string[],
    secretString: row.secret_string === null ? undefined : String(row.secret_string),
    secretBinary: row.secret_binary === null ? undefined : String(row.secret_binary),
    createdAt: Number(row.created_at),
  }));
}

/** As the Data API reads a secret. */
export function readLogin(cloud: Cloud, arn: string): { username: string; password: string } | undefined {
  const current = versionsOf(cloud, arn).find(({ stages }) => stages.includes("AWSCURRENT"));
  return current?.secretString === undefined
    ? undefined
    : (JSON.parse(current.secretString) as { username: string; password: string });
}

/** The secret and its values are gone at once. */
export function purgeSecret(cloud: Cloud, arn: string, at: number): void {
  cloud.db.prepare("delete from secrets where arn = ?").run(arn);
  deleteObject(cloud, secretType, arn, at);
}

/** Secrets whose recovery window has ended are purged. */
export function purgeDueSecrets(cloud: Cloud, now: number): void {
  const due = cloud.db.prepare("select arn from secrets where deletes_at <= ?").all(now);
  for (const { arn } of due) purgeSecret(cloud, String(arn), now);
}
