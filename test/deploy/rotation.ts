import { randomBytes, randomUUID } from "node:crypto";
import { InvokeCommand, LambdaClient, type LambdaClientConfig } from "@aws-sdk/client-lambda";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";

/**
 * What Secrets Manager has once the function's first step is done: a version that is to be the next. MiniStack only says that it
 * rotates, so this test asks for the steps in its place.
 *
 * @param name of the secret, which is its role's login
 */
export async function beginRotation(secrets: SecretsManagerClient, name: string) {
  const { ARN: SecretId = "", SecretString = "" } = await secrets.send(new GetSecretValueCommand({ SecretId: name }));
  const current = JSON.parse(SecretString) as { username: string };
  const next = { ...current, username: `${current.username}_clone`, password: randomBytes(24).toString("base64url") };
  const ClientRequestToken = randomUUID();
  await secrets.send(
    new PutSecretValueCommand({
      SecretId,
      ClientRequestToken,
      VersionStages: ["AWSPENDING"],
      SecretString: JSON.stringify(next),
    }),
  );
  return { name, begun: { SecretId, ClientRequestToken } };
}

/** The error that the function ended with, if any. */
export async function invoke(client: LambdaClientConfig, FunctionName: string, event: object): Promise<unknown> {
  const lambda = new LambdaClient(client);
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
  lambda.destroy();
  return answer.FunctionError === undefined ? undefined : answer.Payload?.transformToString();
}
