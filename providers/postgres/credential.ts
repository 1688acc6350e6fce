import { createHash, randomBytes } from "node:crypto";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RestoreSecretCommand,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { z } from "zod";
import type { ProviderCall } from "../../core/provider.ts";
import { type Answer, ask } from "../ask.ts";
import { scrub } from "../scrub.ts";
import type { SdkError } from "../sdk-error.ts";
import { notNow, rejected, type StepFailed } from "./step-failed.ts";
import type { Wanted } from "./target.ts";

/** The database's secret: where it is, and which version of it counts. */
export type Credential = { arn: string; version: string; ours: boolean; deleting: boolean };

const ownerTag = "cairn:resource-id";

export async function describeCredential(client: SecretsManagerClient, call: ProviderCall): Promise<Credential | null> {
  const command = new DescribeSecretCommand({ SecretId: call.externalName });
  const answer = await ask(client.send(command, { abortSignal: call.signal }));
  if (!answer.ok && answer.error.name === "ResourceNotFoundException") return null;
  const described = settled(answer);
  const current = Object.entries(described.VersionIdsToStages ?? {}).find(([, stages]) =>
    stages.includes("AWSCURRENT"),
  );
  return {
    arn: described.ARN ?? "",
    version: current?.[0] ?? "",
    ours: described.Tags?.some(({ Key, Value }) => Key === ownerTag && Value === call.resourceId) ?? false,
    deleting: described.DeletedDate !== undefined,
  };
}

/** The secret, made if there is none. It is made first: a password that is in the database alone is lost in a crash. */
export async function ensureCredential(
  client: SecretsManagerClient,
  call: ProviderCall,
  wanted: Wanted,
  found: Credential | null,
): Promise<{ arn: string; version: string; password: string | null }> {
  const signal = { abortSignal: call.signal };
  if (found !== null) {
    // Somebody deleted it and its recovery window is still open: the password is as good as it was.
    if (found.deleting) settled(await ask(client.send(new RestoreSecretCommand({ SecretId: found.arn }), signal)));
    return { arn: found.arn, version: found.version, password: null };
  }
  // 32 letters and digits: 190 bits, and nothing that a shell, a URL or a connection string would have to escape.
  const password = randomBytes(48)
    .toString("base64")
    .replace(/[^A-Za-z0-9]/g, "")
    .slice(0, 32)
    .padEnd(32, "0");
  const { target, Role: username, Database: dbname } = wanted;
  const answer = settled(
    await ask(
      client.send(
        new CreateSecretCommand({
          Name: call.externalName,
          ClientRequestToken: requestToken(call.token),
          Description: `Login of ${username} on ${dbname}`,
          SecretString: JSON.stringify({
            engine: "postgres",
            host: target.host,
            port: target.port,
            username,
            password,
            dbname,
          }),
          Tags: Object.entries({
            "cairn:team": call.team,
            "cairn:service": call.service,
            "cairn:environment": call.environment,
            [ownerTag]: call.resourceId,
          }).map(([Key, Value]) => ({ Key, Value })),
        }),
        signal,
      ),
    ),
    [password],
  );
  return { arn: answer.ARN ?? "", version: answer.VersionId ?? "", password };
}

const secretValue = z.object({ password: z.string().min(8) });

/** The password as the secret's current version has it, and which version that is. */
export async function readPassword(
  client: SecretsManagerClient,
  call: ProviderCall,
  arn: string,
): Promise<{ password: string; version: string }> {
  const command = new GetSecretValueCommand({ SecretId: arn });
  const answer = settled(await ask(client.send(command, { abortSignal: call.signal })));
  const value = secretValue.safeParse(parsed(answer.SecretString));
  if (!value.success)
    throw rejected(
      "SECRET_UNREADABLE",
      `the secret ${call.externalName} holds no password of 8 characters or more: restore its last version, or delete the secret and apply again`,
    );
  return { password: value.data.password, version: answer.VersionId ?? "" };
}

/**
 * Without a recovery window: the login it holds opens nothing any more, so there is nothing to recover, and a secret that
 * waits for its end would look like a live one. The same resource wanted again has a new id and a new secret's name.
 */
export async function deleteCredential(client: SecretsManagerClient, call: ProviderCall, arn: string): Promise<void> {
  const command = new DeleteSecretCommand({ SecretId: arn, ForceDeleteWithoutRecovery: true });
  const answer = await ask(client.send(command, { abortSignal: call.signal }));
  if (!answer.ok && answer.error.name === "ResourceNotFoundException") return;
  settled(answer);
}

/** In the form of a UUID, which Secrets Manager takes as the version's id; the same for a repeated call. */
function requestToken(token: string): string {
  const hex = createHash("sha256").update(`${token}:secret`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

/** @param secrets what was sent and may come back in an error's message */
function settled<Output>(answer: Answer<Output>, secrets: readonly string[] = []): Output {
  if (answer.ok) return answer.output;
  throw asStep(answer.error, secrets);
}

function asStep({ kind, name, message }: SdkError, secrets: readonly string[]): StepFailed {
  if (kind === "throttled")
    return notNow("throttled", "THROTTLED", "Secrets Manager is limiting the rate; it is asked again");
  // Somebody, an earlier call of ours perhaps, made it a moment ago: the next look shows whose it is.
  if (kind === "lost" || name === "ResourceExistsException" || name === "ResourceNotFoundException") {
    return notNow("unknown", "NO_ANSWER", "Secrets Manager did not answer for sure; it is looked at again");
  }
  return rejected(
    "SECRET_REFUSED",
    `Secrets Manager does not take it: ask the platform team (${scrub(message, secrets)})`,
  );
}
