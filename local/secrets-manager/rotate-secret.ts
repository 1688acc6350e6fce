import { randomUUID } from "node:crypto";
import { AwsError } from "../cloud/aws-error.ts";
import { isObject, type JsonObject, textOf } from "../cloud/json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { moveStage, putVersion, versionsOf } from "../cloud/secrets.ts";

export const rotationSteps = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const;
export type RotationEvent = { Step: (typeof rotationSteps)[number]; SecretId: string; ClientRequestToken: string };
/** Runs a rotation function; false when it failed. */
export type InvokeRotation = (functionArn: string, event: RotationEvent) => Promise<boolean>;

export type RotationSettings = { functionArn: string; rules: JsonObject | undefined; rotatedAt: number | undefined };

/**
 * Takes note of how a secret is rotated, and gives the version that the rotation is to fill; `again` is one that has not come
 * to its end. Schedules are kept and not followed: on this machine a rotation is asked for.
 */
export function beginRotation(
  cloud: Cloud,
  arn: string,
  input: JsonObject,
): { token: string; functionArn: string; again: boolean } {
  const functionArn = textOf(input.RotationLambdaARN) ?? settingsOf(cloud, arn)?.functionArn;
  if (functionArn === undefined) {
    throw new AwsError(
      "InvalidRequestException",
      "No Lambda rotation function ARN is associated with this secret. Rotation cannot be started.",
    );
  }
  const rules = isObject(input.RotationRules) ? JSON.stringify(input.RotationRules) : null;
  cloud.db
    .prepare(
      `insert into secret_rotations (arn, function_arn, rules) values (?, ?, ?)
       on conflict (arn) do update set function_arn = excluded.function_arn, rules = coalesce(excluded.rules, rules)`,
    )
    .run(arn, functionArn, rules);
  const pending = versionsOf(cloud, arn).find(({ stages }) => stages.includes("AWSPENDING"));
  if (pending !== undefined && !pending.stages.includes("AWSCURRENT")) {
    return { token: pending.versionId, functionArn, again: true };
  }
  const token = textOf(input.ClientRequestToken) ?? randomUUID();
  if (pending !== undefined) moveStage(cloud, arn, "AWSPENDING", pending.versionId, undefined);
  putVersion(cloud, arn, token, {}, ["AWSPENDING"], cloud.now());
  return { token, functionArn, again: false };
}

/** Without a rotation at once the function's third step is tried, with a version that is there for that moment. */
export async function tryRotation(
  cloud: Cloud,
  invoke: InvokeRotation,
  { arn, token, functionArn }: { arn: string; token: string; functionArn: string },
): Promise<void> {
  await invoke(functionArn, { Step: "testSecret", SecretId: arn, ClientRequestToken: token });
  cloud.transaction(() => moveStage(cloud, arn, "AWSPENDING", token, undefined));
}

/** How often Secrets Manager begins a rotation again that failed. AWS does not say how often it does. */
const tries = 3;

/** Calls the function for one step after the other; one that fails begins again with the first. */
export async function runRotation(
  cloud: Cloud,
  invoke: InvokeRotation,
  { arn, token, functionArn }: { arn: string; token: string; functionArn: string },
): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt++) {
    let ok = true;
    for (const Step of rotationSteps) {
      ok = ok && (await invoke(functionArn, { Step, SecretId: arn, ClientRequestToken: token }));
    }
    if (!ok) continue;
    cloud.db.prepare("update secret_rotations set rotated_at = ? where arn = ?").run(cloud.now(), arn);
    return;
  }
}

export function settingsOf(cloud: Cloud, arn: string): RotationSettings | undefined {
  const row = cloud.db.prepare("select * from secret_rotations where arn = ?").get(arn);
  if (row === undefined) return undefined;
  return {
    functionArn: String(row.function_arn),
    rules: row.rules === null ? undefined : (JSON.parse(String(row.rules)) as JsonObject),
    rotatedAt: row.rotated_at === null ? undefined : Number(row.rotated_at),
  };
}
