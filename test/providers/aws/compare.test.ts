import { describe, expect, test } from "vitest";
import { readSchema } from "../../../aws-schemas/read-schema.ts";
import type { JsonObject } from "../../../core/json.ts";
import { differencesOf } from "../../../providers/aws/compare.ts";

type Row = { reason: string; kind: string; desired: JsonObject; actual: JsonObject; pointers: string[] };

const rows: Row[] = [
  {
    reason: "what was not asked for does not count: AWS fills in defaults",
    kind: "AWS::SQS::Queue",
    desired: { QueueName: "orders" },
    actual: { QueueName: "orders", DelaySeconds: 0, Arn: "arn:aws:sqs:eu-west-1:1:orders" },
    pointers: [],
  },
  {
    reason: "a changed value is found where it stands",
    kind: "AWS::S3::Bucket",
    desired: { VersioningConfiguration: { Status: "Enabled" } },
    actual: { VersioningConfiguration: { Status: "Suspended" } },
    pointers: ["/VersioningConfiguration/Status"],
  },
  {
    reason: "a value that is gone is found",
    kind: "AWS::S3::Bucket",
    desired: { PublicAccessBlockConfiguration: { BlockPublicAcls: true } },
    actual: {},
    pointers: ["/PublicAccessBlockConfiguration"],
  },
  {
    reason: "write-only properties are never returned, so never compared",
    kind: "AWS::SSM::Parameter",
    desired: { Value: "a", Tier: "Standard", Description: "x" },
    actual: { Value: "a" },
    pointers: [],
  },
  {
    reason: "read-only properties are AWS's own",
    kind: "AWS::SQS::Queue",
    desired: { Arn: "mine" },
    actual: { Arn: "theirs" },
    pointers: [],
  },
  {
    reason: "AWS lower-cases it, by its own transform",
    kind: "AWS::RDS::DBInstance",
    desired: { DBInstanceIdentifier: "Orders", Engine: "Postgres" },
    actual: { DBInstanceIdentifier: "orders", Engine: "postgres" },
    pointers: [],
  },
  {
    reason: "a transform's result may be a pattern: 17 becomes 17.4",
    kind: "AWS::RDS::DBInstance",
    desired: { EngineVersion: "17" },
    actual: { EngineVersion: "17.4" },
    pointers: [],
  },
  {
    reason: "another major version is no rewrite",
    kind: "AWS::RDS::DBInstance",
    desired: { EngineVersion: "17" },
    actual: { EngineVersion: "16.4" },
    pointers: ["/EngineVersion"],
  },
  {
    reason: "a transform of one of two alternatives, written from the root",
    kind: "AWS::DynamoDB::Table",
    desired: { SSESpecification: { SSEEnabled: true, KMSMasterKeyId: "1234abcd" } },
    actual: {
      SSESpecification: { SSEEnabled: true, KMSMasterKeyId: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd" },
    },
    pointers: [],
  },
  {
    reason: "a text is not a number: only a transform says so",
    kind: "AWS::RDS::DBInstance",
    desired: { AllocatedStorage: "20" },
    actual: { AllocatedStorage: 20 },
    pointers: ["/AllocatedStorage"],
  },
  {
    reason: "tags are compared by key, in any order, and others' tags are theirs",
    kind: "AWS::S3::Bucket",
    desired: {
      Tags: [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "2" },
      ],
    },
    actual: {
      Tags: [
        { Key: "aws:cloudformation:x", Value: "s" },
        { Key: "b", Value: "2" },
        { Key: "cost", Value: "9" },
        { Key: "a", Value: "1" },
      ],
    },
    pointers: [],
  },
  {
    reason: "a tag's changed value and a missing tag are found",
    kind: "AWS::S3::Bucket",
    desired: {
      Tags: [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "2" },
      ],
    },
    actual: { Tags: [{ Key: "a", Value: "x" }] },
    pointers: ["/Tags/0/Value", "/Tags/1/Value"],
  },
  {
    reason: "tags that are an object",
    kind: "AWS::SSM::Parameter",
    desired: { Tags: { a: "1" } },
    actual: { Tags: { a: "2", c: "3" } },
    pointers: ["/Tags/a"],
  },
  {
    reason: "a list without order is a set",
    kind: "AWS::ElastiCache::ServerlessCache",
    desired: { SecurityGroupIds: ["sg-1", "sg-2"] },
    actual: { SecurityGroupIds: ["sg-2", "sg-1"] },
    pointers: [],
  },
  {
    reason: "a list with order is a list",
    kind: "AWS::S3::Bucket",
    desired: { CorsConfiguration: { CorsRules: [{ AllowedMethods: ["GET", "PUT"], AllowedOrigins: ["*"] }] } },
    actual: { CorsConfiguration: { CorsRules: [{ AllowedMethods: ["PUT", "GET"], AllowedOrigins: ["*"] }] } },
    pointers: ["/CorsConfiguration/CorsRules/0/AllowedMethods/0", "/CorsConfiguration/CorsRules/0/AllowedMethods/1"],
  },
  {
    reason: "an item that somebody added to a set is found",
    kind: "AWS::ElastiCache::ServerlessCache",
    desired: { SecurityGroupIds: ["sg-1"] },
    actual: { SecurityGroupIds: ["sg-2", "sg-1"] },
    pointers: ["/SecurityGroupIds"],
  },
  {
    reason: "policies are compared as JSON, as an object or as text",
    kind: "AWS::SQS::Queue",
    desired: { RedrivePolicy: { deadLetterTargetArn: "arn:x", maxReceiveCount: 3 } },
    actual: { RedrivePolicy: '{ "maxReceiveCount": 3, "deadLetterTargetArn": "arn:x" }' },
    pointers: [],
  },
  {
    reason: "nothing and an empty list are the same to AWS",
    kind: "AWS::ElastiCache::ServerlessCache",
    desired: { SecurityGroupIds: [] },
    actual: {},
    pointers: [],
  },
];

describe("what differs from what was wanted", () => {
  test.each(rows)("$kind: $reason", async ({ kind, desired, actual, pointers }) => {
    const schema = readSchema(kind);
    if (!schema) throw new Error(`no schema of ${kind}`);
    const differences = await differencesOf(schema, desired, actual);
    expect(differences.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
