import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSchema } from "../../../aws-schemas/read-schema.ts";
import { hashOf, type JsonObject } from "../../../core/json.ts";
import type { ProviderCall } from "../../../core/provider.ts";
import { leftoversOf } from "../../../providers/aws/taken-back.ts";
import { afresh } from "../contract.ts";
import { converge } from "../converge.ts";
import { type AwsStage, startAwsStage } from "./stage.ts";

const bucket = "AWS::S3::Bucket";
const rule = { Id: "cairn", Status: "Enabled" };

const https = { IpProtocol: "tcp", FromPort: 443, ToPort: 443, CidrIp: "10.0.0.0/8" };
const postgres = { IpProtocol: "tcp", FromPort: 5432, ToPort: 5432, CidrIp: "10.0.0.0/8" };

type Row = {
  reason: string;
  kind?: string;
  applied: JsonObject[];
  desired: JsonObject;
  actual: JsonObject;
  pointers: string[];
};

const rows: Row[] = [
  {
    reason: "an object that is no longer asked for goes as a whole",
    applied: [{ VersioningConfiguration: { Status: "Enabled" } }],
    desired: {},
    actual: { VersioningConfiguration: { Status: "Enabled" } },
    pointers: ["/VersioningConfiguration"],
  },
  {
    reason: "what has another value by now is AWS's or somebody else's",
    applied: [{ VersioningConfiguration: { Status: "Enabled" } }],
    desired: {},
    actual: { VersioningConfiguration: { Status: "Suspended" } },
    pointers: [],
  },
  {
    reason: "what AWS would put back by itself stays: the schema names the default",
    applied: [{ VersioningConfiguration: { Status: "Suspended" } }],
    desired: {},
    actual: { VersioningConfiguration: { Status: "Suspended" } },
    pointers: [],
  },
  {
    reason: "what Cairn never asked for is not Cairn's to take away",
    applied: [{}],
    desired: {},
    actual: { CorsConfiguration: { CorsRules: [] } },
    pointers: [],
  },
  {
    reason: "a member of an object that is still asked for",
    applied: [{ PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true } }],
    desired: { PublicAccessBlockConfiguration: { BlockPublicAcls: true } },
    actual: { PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true } },
    pointers: ["/PublicAccessBlockConfiguration/BlockPublicPolicy"],
  },
  {
    reason: "a member of a list's item",
    applied: [{ LifecycleConfiguration: { Rules: [{ ...rule, ExpirationInDays: 30 }] } }],
    desired: { LifecycleConfiguration: { Rules: [rule] } },
    actual: { LifecycleConfiguration: { Rules: [{ ...rule, ExpirationInDays: 30 }] } },
    pointers: ["/LifecycleConfiguration/Rules/0/ExpirationInDays"],
  },
  {
    reason: "a member of an item in a list without order, wherever AWS shows it",
    kind: "AWS::EC2::SecurityGroup",
    applied: [{ SecurityGroupIngress: [{ ...https, Description: "the office" }, postgres] }],
    desired: { SecurityGroupIngress: [https, postgres] },
    actual: { SecurityGroupIngress: [postgres, { ...https, Description: "the office" }] },
    pointers: ["/SecurityGroupIngress/0/Description"],
  },
  {
    reason: "a tag, by its key and where AWS shows it; others' tags stay",
    applied: [
      {
        Tags: [
          { Key: "a", Value: "1" },
          { Key: "b", Value: "2" },
        ],
      },
    ],
    desired: { Tags: [{ Key: "a", Value: "1" }] },
    actual: {
      Tags: [
        { Key: "cost", Value: "9" },
        { Key: "b", Value: "2" },
        { Key: "a", Value: "1" },
      ],
    },
    pointers: ["/Tags/1"],
  },
  {
    reason: "a tag to which somebody gave another value is theirs",
    applied: [{ Tags: [{ Key: "b", Value: "2" }] }],
    desired: { Tags: [] },
    actual: { Tags: [{ Key: "b", Value: "x" }] },
    pointers: [],
  },
  {
    reason: "a tag of an object of tags",
    kind: "AWS::SSM::Parameter",
    applied: [{ Tags: { a: "1", "b/c": "2" } }],
    desired: { Tags: { a: "1" } },
    actual: { Tags: { a: "1", "b/c": "2" } },
    pointers: ["/Tags/b~1c"],
  },
  {
    reason: "AWS's own rewriting is no other value",
    kind: "AWS::RDS::DBInstance",
    applied: [{ KmsKeyId: "k", EngineVersion: "17" }],
    desired: {},
    actual: { EngineVersion: "17.4" },
    pointers: ["/EngineVersion"],
  },
  {
    reason: "read-only, write-only and create-only properties cannot be taken back",
    kind: "AWS::RDS::DBInstance",
    applied: [{ DBInstanceArn: "arn:x", MasterUserPassword: "p", DBInstanceIdentifier: "orders" }],
    desired: {},
    actual: { DBInstanceArn: "arn:x", MasterUserPassword: "p", DBInstanceIdentifier: "orders" },
    pointers: [],
  },
  {
    reason: "beside what AWS alone sets, only what was asked for goes",
    kind: "AWS::RDS::DBInstance",
    applied: [{ MasterUserSecret: { KmsKeyId: "alias/k" } }],
    desired: {},
    actual: { MasterUserSecret: { KmsKeyId: "alias/k", SecretArn: "arn:x" } },
    pointers: ["/MasterUserSecret/KmsKeyId"],
  },
  {
    reason: "what a generation asked for that failed since may be there as well",
    applied: [{}, { VersioningConfiguration: { Status: "Enabled" } }],
    desired: {},
    actual: { VersioningConfiguration: { Status: "Enabled" } },
    pointers: ["/VersioningConfiguration"],
  },
  {
    reason: "a reference whose value is forgotten stands for any value",
    kind: "AWS::SQS::Queue",
    applied: [{ RedrivePolicy: { deadLetterTargetArn: "${resources.dead.outputs.arn}", maxReceiveCount: 3 } }],
    desired: {},
    actual: { RedrivePolicy: { deadLetterTargetArn: "arn:aws:sqs:x", maxReceiveCount: 3 } },
    pointers: ["/RedrivePolicy"],
  },
  {
    reason: "but not inside another text",
    kind: "AWS::SQS::Queue",
    applied: [{ KmsMasterKeyId: "alias/${resources.key.outputs.name}" }],
    desired: {},
    actual: { KmsMasterKeyId: "arn:aws:kms:x" },
    pointers: [],
  },
];

describe("what an earlier generation left behind", () => {
  test.each(rows)("$reason", async ({ kind = bucket, applied, desired, actual, pointers }) => {
    const schema = readSchema(kind);
    if (!schema) throw new Error(`no schema of ${kind}`);
    const leftovers = await leftoversOf(schema, applied, desired, actual);
    expect(leftovers.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(leftovers.every(({ expected }) => expected === null)).toBe(true);
  });
});

describe("the aws provider takes back what is no longer asked for", () => {
  let stage: AwsStage;
  beforeAll(async () => {
    stage = await startAwsStage();
  });
  afterAll(() => stage.stop());

  /** Makes it with `extra`, then wants it without, as the next operation does. */
  async function made(kind: string, name: string, common: JsonObject, extra: JsonObject) {
    const start = stage.callFor(kind, name, common);
    const { call } = await converge(stage.provider, { ...start, desired: { ...start.desired, ...extra } }, "ready");
    const next: ProviderCall = {
      ...afresh(call),
      desired: start.desired,
      applied: [call.desired],
      sentHash: hashOf(call.desired),
    };
    return { next };
  }
  const shown = async (call: ProviderCall) => (await stage.live(call))[0]?.properties ?? {};

  test("a bucket that was versioned is suspended, with one update, and is READY", async () => {
    const { next } = await made(bucket, "BucketName", {}, { VersioningConfiguration: { Status: "Enabled" } });
    expect(await stage.provider.observe(next)).toMatchObject({
      state: "drifted",
      differences: [{ pointer: "/VersioningConfiguration", expected: null, actual: { Status: "Enabled" } }],
    });
    const { trace, call } = await converge(stage.provider, next, "ready");
    expect(trace.filter((step) => step === "accepted")).toHaveLength(1);
    expect(await shown(call)).toMatchObject({ VersioningConfiguration: { Status: "Suspended" } });
    expect(await stage.provider.observe({ ...afresh(call), applied: [call.desired] })).toMatchObject({
      state: "ready",
    });
  });

  test("what has no default is gone, tags among it, and others' tags stay", async () => {
    const start = stage.callFor("AWS::SQS::Queue", "QueueName");
    const tags = start.desired.Tags as JsonObject[];
    const wide = { ...start.desired, DelaySeconds: 5, Tags: [...tags, { Key: "extra", Value: "1" }] };
    const { call } = await converge(stage.provider, { ...start, desired: wide }, "ready");
    await stage.update(call.kind, call.identifier ?? "", [
      { op: "replace", path: "/Tags", value: [{ Key: "cost", Value: "9" }, ...wide.Tags] },
    ]);
    const next = { ...afresh(call), desired: start.desired, applied: [wide] };
    expect((await converge(stage.provider, next, "ready")).last.state).toBe("ready");
    const properties = await shown(call);
    expect(properties).not.toHaveProperty("DelaySeconds");
    expect(properties.Tags).toHaveLength(3);
    expect(properties.Tags).toEqual(expect.arrayContaining([...tags, { Key: "cost", Value: "9" }]));
  });

  test("a lifecycle rule loses the expiry that its parameter no longer names", async () => {
    const rules = (more: JsonObject) => ({
      LifecycleConfiguration: {
        Rules: [{ ...rule, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, ...more }],
      },
    });
    const start = stage.callFor(bucket, "BucketName", rules({ ExpirationInDays: 30 }));
    const { call } = await converge(stage.provider, start, "ready");
    const next = { ...afresh(call), desired: { ...call.desired, ...rules({}) }, applied: [call.desired] };
    await converge(stage.provider, next, "ready");
    expect(await shown(call)).toMatchObject(rules({}));
    expect(JSON.stringify(await shown(call))).not.toContain("ExpirationInDays");
  });

  test("a value that AWS gives by default is asked away once, and then it is AWS's", async () => {
    const { next } = await made("AWS::SQS::Queue", "QueueName", {}, { VisibilityTimeout: 30 });
    const identifier = next.identifier ?? "";
    expect(await stage.provider.observe(next)).toMatchObject({ state: "drifted" });
    const outcome = await stage.provider.apply(next, { state: "drifted", identifier });
    const request = outcome.outcome === "accepted" ? outcome.request : null;
    await new Promise((done) => setTimeout(done, 60));
    // As AWS does, whose default the schema does not name.
    await stage.update(next.kind, identifier, [{ op: "add", path: "/VisibilityTimeout", value: 30 }]);
    expect(await stage.provider.observe({ ...next, request, tokenAgeSeconds: 1 })).toMatchObject({ state: "ready" });
  });

  test("a write-only property is left out of the object, although nobody can see it", async () => {
    const wanted = { Type: "String", Value: "v" };
    const { next } = await made("AWS::SSM::Parameter", "Name", wanted, { AllowedPattern: "^v$" });
    expect(await stage.provider.observe(next)).toMatchObject({
      state: "drifted",
      differences: [{ pointer: "/AllowedPattern", expected: null, actual: "(not shown)" }],
    });
    const { trace, call } = await converge(stage.provider, next, "ready");
    expect(trace.filter((step) => step === "accepted")).toHaveLength(1);
    expect(await stage.provider.observe({ ...afresh(call), sentHash: hashOf(call.desired) })).toMatchObject({
      state: "ready",
    });
  });
});
