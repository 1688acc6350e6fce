import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { JsonObject } from "../core/json.ts";

/**
 * Client settings that act as the target's own role, with its ExternalId. A target without `roleArn` is in this account, and
 * the function's role is used. The SDK keeps the credentials until they are about to expire.
 */
export function assumeTargetRole(target: JsonObject) {
  const { roleArn, externalId } = target;
  if (typeof roleArn !== "string") return {};
  return {
    credentials: async () => {
      const answer = await new STSClient({}).send(
        new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: "cairn",
          ...(typeof externalId === "string" ? { ExternalId: externalId } : {}),
        }),
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
      if (!AccessKeyId || !SecretAccessKey) throw new Error(`STS gave no credentials for ${roleArn}.`);
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        ...(SessionToken ? { sessionToken: SessionToken } : {}),
        ...(Expiration ? { expiration: Expiration } : {}),
      };
    },
  };
}
