import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import { derivedName } from "../../core/names.ts";
import { goldenPathVariants } from "../../infra/golden-path-data.ts";
import { deriveKinds, grantsAt, type Kind } from "../../infra/target-permissions/derive-grants.ts";
import type { Grant, Place } from "../../infra/target-permissions/grant.ts";
import { leftOut } from "../../infra/target-permissions/left-out.ts";
import { awsProviderGrants, postgresProviderGrants } from "../../infra/target-permissions/provider-calls.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const place: Place = { partition: "aws", account: "222233334444", region: "eu-west-1", values: {} };
const at = "eu-west-1:222233334444";
const table = {
  provider: "aws",
  kind: "AWS::DynamoDB::Table",
  name: { property: "TableName", separator: "-", maxLength: 100 },
  properties: {},
  target: { required: [], optional: [] },
};
let kinds: Kind[];
let grants: Grant[];
let looks: Grant[];

beforeAll(async () => {
  kinds = await deriveKinds(goldenPathVariants(root));
  grants = grantsAt(kinds, place, "change");
  looks = grantsAt(kinds, place, "look");
});

describe("what a target's role may do", () => {
  test.each([
    { action: "s3:CreateBucket", on: ["arn:aws:s3:::*-*-????????"], if: undefined },
    { action: "s3:ListBucket", on: ["arn:aws:s3:::*-*-????????"], if: undefined },
    { action: "sqs:DeleteQueue", on: [`arn:aws:sqs:${at}:*-*-????????`], if: "ResourceTag" },
    { action: "sqs:GetQueueAttributes", on: [`arn:aws:sqs:${at}:*-*-????????`], if: undefined },
    { action: "rds:DeleteDBInstance", on: [`arn:aws:rds:${at}:db:*-*-????????`], if: "ResourceTag" },
    { action: "ssm:DeleteParameter", on: [`arn:aws:ssm:${at}:parameter/*-*-????????`], if: "ResourceTag" },
    {
      action: "elasticache:DeleteServerlessCache",
      on: [`arn:aws:elasticache:${at}:serverlesscache:*-????????`],
      if: "ResourceTag",
    },
    { action: "kafka-cluster:CreateTopic", on: [`arn:aws:kafka:${at}:topic/*/*/*-*-????????`], if: undefined },
    { action: "rds:DescribeDBInstances", on: [`arn:aws:rds:${at}:db:*-*-????????`], if: undefined },
  ])("$action: on $on and no other", ({ action, on, if: tag }) => {
    const found = grantsOf(action);
    expect(found.flatMap(({ resources }) => resources)).toEqual(on);
    expect(JSON.stringify(found[0]?.conditions ?? {})).toContain(
      tag === undefined ? "{}" : `aws:${tag}/cairn:resource-id`,
    );
  });

  test("who looks may list what has to be looked for, and change nothing", () => {
    const names = looks.flatMap(({ actions }) => actions);
    expect(names).toEqual(
      expect.arrayContaining(["sqs:ListQueues", "secretsmanager:ListSecrets", "s3:GetBucketTagging"]),
    );
    // A connection to a Kafka cluster is the first step of every look at a topic.
    const changing = names.filter((name) => !/:(Get|List|Describe)/.test(name));
    expect([...new Set(changing)]).toEqual(["kafka-cluster:Connect"]);
    expect(names.filter((name) => /^iam:|^kms:|^ec2:Create/.test(name))).toEqual([]);
    expect(grants.flatMap(({ actions }) => actions)).not.toContain("sqs:ListQueues");
  });

  test("what makes an object has to give it Cairn's mark, or it bears it already", () => {
    for (const action of ["sqs:CreateQueue", "ssm:PutParameter", "elasticache:AddTagsToResource"]) {
      const conditions = grantsOf(action).map(({ conditions }) => JSON.stringify(conditions));
      expect(conditions.map((text) => /aws:(\w+Tag)\/cairn:resource-id":"\?\*"/.exec(text)?.[1])).toEqual([
        "ResourceTag",
        "RequestTag",
      ]);
    }
  });

  test("a secret's value is read only where the secret bears Cairn's mark", () => {
    for (const { conditions } of grantsOf("secretsmanager:GetSecretValue"))
      expect(JSON.stringify(conditions)).toContain("aws:ResourceTag/cairn:resource-id");
  });

  // AWS adds six characters to a secret's name, so that `-????????` alone fits every name that ends in `-` and one character.
  test.each(["GetSecretValue", "UpdateSecret", "DeleteSecret", "UntagResource"])(
    "%s is for secrets that are there, by name and AWS's six characters",
    (call) => {
      const found = [
        ...grantsOf(`secretsmanager:${call}`),
        ...looks.filter(({ actions }) => actions.includes(`secretsmanager:${call}`)),
      ];
      expect([...new Set(found.flatMap(({ resources }) => resources))]).toEqual([
        `arn:aws:secretsmanager:${at}:secret:*-*-????????-??????`,
      ]);
    },
  );

  test("a name that has room for a service's whole name and more has two parts before the eight characters", async () => {
    const named = (maxLength: number) => ({ ...table, name: { ...table.name, maxLength } });
    const on = async (maxLength: number) =>
      grantsAt(await deriveKinds([named(maxLength)]), place, "change").find(({ actions }) =>
        actions.includes("dynamodb:DeleteTable"),
      )?.resources;
    expect(await on(51)).toEqual([`arn:aws:dynamodb:${at}:table/*-*-????????`]);
    expect(await on(50)).toEqual([`arn:aws:dynamodb:${at}:table/*-????????`]);
    const longest = (name: string, maxLength: number) =>
      derivedName("s".repeat(40), name, "00000000-0000-7000-8000-0123456789ab", { maxLength, separator: "-" });
    expect([longest("n", 51), longest("n", 50)].map((name) => name.split("-").length)).toEqual([3, 2]);
  });

  test("`*` stands only for what AWS's reference gives no resource, and no action is a pattern", () => {
    const all = [...grants, ...looks];
    const everything = all.filter(({ resources }) => resources.includes("*")).flatMap(({ actions }) => actions);
    const needless = kinds
      .flatMap(({ actions }) => actions)
      .filter(({ name, resourceTypes }) => everything.includes(name) && resourceTypes.length > 0);
    expect(needless).toEqual([]);
    expect(everything.filter((name) => !/:(Describe|List|Get)/.test(name))).toEqual([]);
    expect(all.flatMap(({ actions }) => actions).filter((name) => name.includes("*"))).toEqual([]);
  });

  test("each grant says why it is not narrower", () => {
    const own = Object.values(awsProviderGrants).flat();
    expect([...grants, ...looks, ...own].filter(({ reason }) => reason === "")).toEqual([]);
  });

  test("other services' keys and roles are used through the kinds' services alone", () => {
    const [grant] = grantsOf("kms:CreateGrant");
    expect(grant?.conditions).toMatchObject({
      StringEquals: { "kms:ViaService": expect.arrayContaining(["rds.eu-west-1.amazonaws.com"]) },
      Bool: { "kms:GrantIsForAWSResource": "true" },
    });
    const [linked] = grantsOf("iam:CreateServiceLinkedRole");
    expect(linked?.conditions).toEqual({ StringEquals: { "iam:AWSServiceName": ["rds.amazonaws.com"] } });
  });

  test("a target's own key and Kafka cluster narrow what they are", () => {
    const kmsKeyId = `arn:aws:kms:${at}:key/0a1b2c3d-1111-2222-3333-444455556666`;
    const kafkaClusterArn = `arn:aws:kafka:${at}:cluster/shared/11111111-2222-4333-8444-555555555555-1`;
    const narrowed = grantsAt(kinds, { ...place, values: { kmsKeyId, kafkaClusterArn } }, "change");
    const on = (action: string) =>
      narrowed.filter(({ actions }) => actions.includes(action)).flatMap(({ resources }) => resources);
    expect(on("kms:CreateGrant")).toEqual([kmsKeyId]);
    expect(on("kafka-cluster:Connect")).toEqual([kafkaClusterArn]);
  });

  test("nobody's role is passed on, and nothing is made of another team's data", () => {
    const all = grants.flatMap(({ actions }) => actions);
    for (const { actions } of leftOut) expect(all.filter((name) => actions.test(name))).toEqual([]);
    expect(all).not.toContain("iam:PassRole");
  });

  test("what is left out is what AWS's handlers would ask for: no line is about nothing", () => {
    const asked = goldenPathVariants(root).flatMap(({ kind }) =>
      Object.values(readSchema(kind)?.handlers ?? {}).flatMap(({ permissions = [] }) => permissions),
    );
    for (const { actions, why } of leftOut)
      expect([why, asked.some((name) => actions.test(name))]).toEqual([why, true]);
  });

  test("China has its own partition", () => {
    const there = grantsAt(kinds, { ...place, partition: "aws-cn", region: "cn-north-1" }, "change");
    expect(there.flatMap(({ resources }) => resources).filter((arn) => !/^(\*$|arn:aws-cn:)/.test(arn))).toEqual([]);
  });
});

test("a new golden path of another service needs no line of code", async () => {
  const derived = grantsAt(await deriveKinds([table]), place, "change");
  const deleting = derived.filter(({ actions }) => actions.includes("dynamodb:DeleteTable"));
  expect(deleting).toMatchObject([
    {
      resources: [`arn:aws:dynamodb:${at}:table/*-*-????????`],
      conditions: { StringLike: { "aws:ResourceTag/cairn:resource-id": "?*" } },
    },
  ]);
});

describe("what the providers' own code asks", () => {
  test.each([
    { folder: "providers/aws", service: "cloudformation", grants: () => Object.values(awsProviderGrants).flat() },
    {
      folder: "providers/postgres",
      service: "secretsmanager",
      grants: () => postgresProviderGrants(place, "cluster", "secret").change,
    },
  ])("of $folder is granted, and nothing beside it", ({ folder, service, grants }) => {
    const sent = commandsIn(folder).filter((command) => command !== "ExecuteStatement");
    const granted = grants().flatMap(({ actions }) => actions);
    // CreateSecret with tags is TagResource to IAM.
    const extra = service === "secretsmanager" ? ["secretsmanager:TagResource"] : [];
    const ofService = [...new Set(granted.filter((name) => name.startsWith(`${service}:`)))];
    expect(ofService.sort()).toEqual([...sent.map((command) => `${service}:${command}`), ...extra].sort());
  });
});

function grantsOf(action: string): Grant[] {
  return grants.filter(({ actions }) => actions.includes(action));
}

/** Each `…Command` that a provider sends. */
function commandsIn(folder: string): string[] {
  const texts = readdirSync(`${root}/${folder}`).map((name) => readFileSync(`${root}/${folder}/${name}`, "utf8"));
  const found = texts.flatMap((text) => [...text.matchAll(/new (\w+)Command\(/g)].map(([, name = ""]) => name));
  return [...new Set(found)];
}
