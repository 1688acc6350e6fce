import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSts } from "../../../local/sts/start-sts.ts";

let server: Awaited<ReturnType<typeof startSts>>;
beforeAll(async () => {
  server = await startSts({ accountId: "123456789012" });
});
afterAll(() => server.close());

function clientWith(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): STSClient {
  return new STSClient({ endpoint: server.url, region: "eu-west-1", credentials, maxAttempts: 1 });
}

describe("STS", () => {
  const own = () => clientWith({ accessKeyId: "any", secretAccessKey: "any" });

  test("says whose credentials they are, before and after a role is assumed", async () => {
    expect(await own().send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: "123456789012",
      Arn: "arn:aws:iam::123456789012:user/local",
    });
    const RoleArn = "arn:aws:iam::210987654321:role/cairn/provider";
    const { Credentials } = await own().send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName: "cairn", ExternalId: "a-b:c" }),
    );
    expect(Credentials?.Expiration?.getTime()).toBeGreaterThan(Date.now());
    const assumed = clientWith({
      accessKeyId: Credentials?.AccessKeyId ?? "",
      secretAccessKey: Credentials?.SecretAccessKey ?? "",
      sessionToken: Credentials?.SessionToken ?? "",
    });
    expect(await assumed.send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: "210987654321",
      Arn: "arn:aws:sts::210987654321:assumed-role/provider/cairn",
    });
  });

  test.each([
    ["no role", { RoleArn: "arn:aws:iam::1:user/someone-else", RoleSessionName: "cairn" }],
    ["a session name with a blank", { RoleArn: "arn:aws:iam::210987654321:role/r", RoleSessionName: "a b" }],
    [
      "a session that is too short",
      { RoleArn: "arn:aws:iam::210987654321:role/r", RoleSessionName: "cairn", DurationSeconds: 60 },
    ],
  ])("refuses %s", async (_, input) => {
    await expect(own().send(new AssumeRoleCommand(input))).rejects.toMatchObject({ name: "ValidationError" });
  });
});
