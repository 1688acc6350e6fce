import { DeleteResourceCommand, ListResourcesCommand } from "@aws-sdk/client-cloudcontrol";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RotationEvent } from "../../../local/secrets-manager/rotate-secret.ts";
import { startSecretsManager } from "../../../local/secrets-manager/start-secrets-manager.ts";
import { startTestCloud, type TestCloud } from "../cloud-control/with-cloud.ts";

let cloud: TestCloud;
let server: Awaited<ReturnType<typeof startSecretsManager>>;
let client: SecretsManagerClient;
beforeAll(async () => {
  cloud = await startTestCloud();
  server = await startSecretsManager({
    store: cloud.store,
    invoke: async (_functionArn, event) => {
      rotated.push(event);
      return event.Step !== failing;
    },
  });
  client = new SecretsManagerClient({
    endpoint: server.url,
    region: "eu-west-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await server.close();
  await cloud.stop();
  cloud.remove();
});

/** What the rotation function was called with, and the step that it fails at. */
let rotated: RotationEvent[] = [];
let failing: string | undefined;

const token = (letter: string) => letter.repeat(32);
const value = async (SecretId: string | undefined) =>
  (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString;

describe("a secret's own API", () => {
  test("makes a secret once for one token, and refuses another value or another caller", async () => {
    const request = { Name: "pg/orders", SecretString: "one", ClientRequestToken: token("a") };
    const first = await client.send(new CreateSecretCommand(request));
    expect(first.ARN).toMatch(/:secret:pg\/orders-[A-Za-z0-9]{6}$/);
    expect((await client.send(new CreateSecretCommand(request))).ARN).toBe(first.ARN);
    for (const other of [{ SecretString: "two" }, { ClientRequestToken: token("b") }]) {
      await expect(client.send(new CreateSecretCommand({ ...request, ...other }))).rejects.toMatchObject({
        name: "ResourceExistsException",
      });
    }
    expect(await value("pg/orders")).toBe("one");
    expect(await value(first.ARN)).toBe("one");
    expect(await value(first.ARN?.slice(0, -7))).toBe("one");
  });

  test("keeps the previous version when a new one comes", async () => {
    await client.send(new CreateSecretCommand({ Name: "turning", SecretString: "v1" }));
    await client.send(
      new PutSecretValueCommand({ SecretId: "turning", SecretString: "v2", ClientRequestToken: token("c") }),
    );
    await client.send(new UpdateSecretCommand({ SecretId: "turning", SecretString: "v3", Description: "turned" }));
    expect(await value("turning")).toBe("v3");
    const previous = await client.send(new GetSecretValueCommand({ SecretId: "turning", VersionStage: "AWSPREVIOUS" }));
    expect(previous.SecretString).toBe("v2");
    const described = await client.send(new DescribeSecretCommand({ SecretId: "turning" }));
    expect(described.Description).toBe("turned");
    expect(
      Object.values(described.VersionIdsToStages ?? {})
        .flat()
        .sort(),
    ).toEqual(["AWSCURRENT", "AWSPREVIOUS"]);
    const replay = new PutSecretValueCommand({
      SecretId: "turning",
      SecretString: "other",
      ClientRequestToken: token("c"),
    });
    await expect(client.send(replay)).rejects.toMatchObject({ name: "ResourceExistsException" });
  });

  test("is found by name and by tag, page by page", async () => {
    await client.send(
      new CreateSecretCommand({ Name: "find-1", SecretString: "x", Tags: [{ Key: "team", Value: "payments" }] }),
    );
    await client.send(new CreateSecretCommand({ Name: "find-2", SecretString: "x" }));
    await client.send(new TagResourceCommand({ SecretId: "find-2", Tags: [{ Key: "team", Value: "search" }] }));
    const names = async (Key: "name" | "tag-value", wanted: string) => {
      const found = await client.send(new ListSecretsCommand({ Filters: [{ Key, Values: [wanted] }] }));
      return found.SecretList?.map(({ Name }) => Name);
    };
    expect(await names("name", "find-")).toEqual(["find-1", "find-2"]);
    expect(await names("tag-value", "search")).toEqual(["find-2"]);
    const page = await client.send(
      new ListSecretsCommand({ Filters: [{ Key: "name", Values: ["find-"] }], MaxResults: 1 }),
    );
    const rest = await client.send(
      new ListSecretsCommand({ Filters: [{ Key: "name", Values: ["find-"] }], NextToken: page.NextToken }),
    );
    expect(rest.SecretList?.map(({ Name }) => Name)).toEqual(["find-2"]);
  });

  test("holds a deleted secret's name until its window ends, and gives it back on restore", async () => {
    await client.send(new CreateSecretCommand({ Name: "leaving", SecretString: "x" }));
    await client.send(new DeleteSecretCommand({ SecretId: "leaving", RecoveryWindowInDays: 7 }));
    await expect(value("leaving")).rejects.toMatchObject({ name: "InvalidRequestException" });
    const again = new CreateSecretCommand({ Name: "leaving", SecretString: "y" });
    await expect(client.send(again)).rejects.toMatchObject({ name: "InvalidRequestException" });
    await client.send(new RestoreSecretCommand({ SecretId: "leaving" }));
    expect(await value("leaving")).toBe("x");
    await client.send(new DeleteSecretCommand({ SecretId: "leaving", ForceDeleteWithoutRecovery: true }));
    await expect(value("leaving")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await client.send(again);
    expect(await value("leaving")).toBe("y");
    await client.send(new DeleteSecretCommand({ SecretId: "leaving", RecoveryWindowInDays: 7 }));
    cloud.pass(7 * 86_400 + 1);
    await expect(value("leaving")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});

describe("a secret's stages", () => {
  const stages = async (SecretId: string) =>
    (await client.send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages;
  const move = (SecretId: string, VersionStage: string, to: string | undefined, from: string | undefined) =>
    client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage,
        MoveToVersionId: to,
        RemoveFromVersionId: from,
      }),
    );

  test("name one version each: what is pending becomes current, and what was current previous", async () => {
    const [one, two] = [token("1"), token("2")];
    await client.send(new CreateSecretCommand({ Name: "staged", SecretString: "v1", ClientRequestToken: one }));
    const pending = { SecretId: "staged", SecretString: "v2", ClientRequestToken: two, VersionStages: ["AWSPENDING"] };
    await client.send(new PutSecretValueCommand(pending));
    expect(await stages("staged")).toEqual({ [one]: ["AWSCURRENT"], [two]: ["AWSPENDING"] });
    expect(await value("staged")).toBe("v1");
    await move("staged", "AWSCURRENT", two, one);
    expect(await stages("staged")).toEqual({ [one]: ["AWSPREVIOUS"], [two]: ["AWSPENDING", "AWSCURRENT"] });
    expect(await value("staged")).toBe("v2");
    await move("staged", "AWSPENDING", undefined, two);
    expect(await stages("staged")).toEqual({ [one]: ["AWSPREVIOUS"], [two]: ["AWSCURRENT"] });
    await move("staged", "AWSCURRENT", one, two);
    expect(await stages("staged")).toEqual({ [one]: ["AWSCURRENT"], [two]: ["AWSPREVIOUS"] });
  });

  test.each([
    ["a version there is none of", "AWSCURRENT", token("9"), token("1"), "ResourceNotFoundException"],
    ["a label without saying who has it", "AWSCURRENT", token("2"), undefined, "InvalidParameterException"],
    ["a label from one that does not have it", "AWSCURRENT", token("2"), token("2"), "InvalidParameterException"],
    ["the current label from everything", "AWSCURRENT", undefined, token("1"), "InvalidParameterException"],
  ])("are not moved: %s", async (_reason, stage, to, from, name) => {
    await expect(move("staged", stage, to, from)).rejects.toMatchObject({ name });
    expect(await stages("staged")).toMatchObject({ [token("1")]: ["AWSCURRENT"] });
  });
});

describe("rotating a secret", () => {
  const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:rotate-secret";
  const describeSecret = (SecretId: string) => client.send(new DescribeSecretCommand({ SecretId }));

  test("makes an empty pending version and calls the function for one step after the other", async () => {
    const { ARN = "" } = await client.send(new CreateSecretCommand({ Name: "rotating", SecretString: "v1" }));
    await expect(client.send(new RotateSecretCommand({ SecretId: "rotating" }))).rejects.toMatchObject({
      name: "InvalidRequestException",
    });
    const RotationRules = { AutomaticallyAfterDays: 30 };
    const begun = await client.send(
      new RotateSecretCommand({ SecretId: "rotating", RotationLambdaARN: functionArn, RotationRules }),
    );
    await expect.poll(async () => (await describeSecret("rotating")).LastRotatedDate).toBeInstanceOf(Date);
    const { VersionId: ClientRequestToken = "" } = begun;
    expect(rotated).toEqual(
      ["createSecret", "setSecret", "testSecret", "finishSecret"].map((Step) => ({
        Step,
        SecretId: ARN,
        ClientRequestToken,
      })),
    );
    const described = await describeSecret("rotating");
    expect(described).toMatchObject({ RotationEnabled: true, RotationLambdaARN: functionArn, RotationRules });
    expect(described.VersionIdsToStages?.[ClientRequestToken]).toEqual(["AWSPENDING"]);
    const pending = new GetSecretValueCommand({ SecretId: "rotating", VersionStage: "AWSPENDING" });
    await expect(client.send(pending)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await client.send(
      new PutSecretValueCommand({
        SecretId: "rotating",
        SecretString: "v2",
        ClientRequestToken,
        VersionStages: ["AWSPENDING"],
      }),
    );
    expect((await client.send(pending)).SecretString).toBe("v2");
    expect(await value("rotating")).toBe("v1");
  });

  test("that is only set up tries one step, with a version that is there for that moment", async () => {
    rotated = [];
    await client.send(new CreateSecretCommand({ Name: "set-up", SecretString: "v1" }));
    const setUp = { SecretId: "set-up", RotationLambdaARN: functionArn, RotateImmediately: false };
    await client.send(new RotateSecretCommand(setUp));
    await expect.poll(() => rotated.map(({ Step }) => Step)).toEqual(["testSecret"]);
    const stages = async () => Object.values((await describeSecret("set-up")).VersionIdsToStages ?? {});
    await expect.poll(stages).toEqual([["AWSCURRENT"]]);
  });

  test("that has not come to its end is begun again with the same version, and says so", async () => {
    rotated = [];
    failing = "setSecret";
    await expect(client.send(new RotateSecretCommand({ SecretId: "rotating" }))).rejects.toMatchObject({
      name: "InvalidRequestException",
      message: expect.stringContaining("will be reattempted"),
    });
    await expect.poll(() => rotated.length).toBe(6);
    expect(new Set(rotated.map(({ Step }) => Step))).toEqual(new Set(["createSecret", "setSecret"]));
    expect(new Set(rotated.map(({ ClientRequestToken }) => ClientRequestToken)).size).toBe(1);
  });
});

describe("a secret that others make", () => {
  const type = "AWS::SecretsManager::Secret";

  test("is generated by Cloud Control as asked, and read here", async () => {
    const event = await cloud.made(type, {
      Name: "generated",
      GenerateSecretString: {
        SecretStringTemplate: '{"user":"orders"}',
        GenerateStringKey: "password",
        PasswordLength: 24,
        ExcludePunctuation: true,
        ExcludeCharacters: "abc",
      },
    });
    const secret = JSON.parse((await value(event.Identifier)) ?? "") as { user: string; password: string };
    expect(secret.user).toBe("orders");
    expect(secret.password).toMatch(/^[A-Zd-z0-9]{24}$/);
    const ledger = (await cloud.sim("GET", "ledger")).body.items;
    expect(JSON.stringify(ledger)).not.toContain(secret.password);
  });

  test("is refused by the handler when a password cannot be made", async () => {
    const event = await cloud.made(type, { Name: "impossible", GenerateSecretString: { PasswordLength: 2 } });
    expect(event).toMatchObject({ OperationStatus: "FAILED", ErrorCode: "InvalidRequest" });
  });

  test("is seen by Cloud Control when it was made here, but not in its ledger", async () => {
    const { ARN } = await client.send(new CreateSecretCommand({ Name: "made-here", SecretString: "x" }));
    const listed = await cloud.client.send(new ListResourcesCommand({ TypeName: type, MaxResults: 100 }));
    expect(listed.ResourceDescriptions?.map(({ Identifier }) => Identifier)).toContain(ARN);
    expect(await cloud.read(type, ARN)).toMatchObject({ Name: "made-here" });
    const ledger = (await cloud.sim("GET", "ledger")).body.items;
    expect(ledger.map(({ identifier }) => identifier)).not.toContain(ARN);
    expect(await cloud.made(type, { Name: "made-here" })).toMatchObject({ ErrorCode: "AlreadyExists" });
  });

  test("belongs to the database whose master password RDS manages, and goes with it", async () => {
    const event = await cloud.made("AWS::RDS::DBInstance", {
      DBInstanceIdentifier: "db",
      Engine: "postgres",
      DBInstanceClass: "db.t4g.small",
      MasterUsername: "orders",
      ManageMasterUserPassword: true,
    });
    const { MasterUserSecret } = (await cloud.read("AWS::RDS::DBInstance", event.Identifier)) as {
      MasterUserSecret: { SecretArn: string };
    };
    expect(JSON.parse((await value(MasterUserSecret.SecretArn)) ?? "")).toEqual({
      username: "orders",
      password: expect.stringMatching(/^.{28}$/),
    });
    await cloud.client.send(new DeleteResourceCommand({ TypeName: "AWS::RDS::DBInstance", Identifier: "db" }));
    cloud.pass(3);
    await expect(value(MasterUserSecret.SecretArn)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});
