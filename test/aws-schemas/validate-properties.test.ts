import { describe, expect, test } from "vitest";
import type { AwsSchema, JsonObject } from "../../aws-schemas/aws-schema.ts";
import { openSchemas, readSchema } from "../../aws-schemas/read-schema.ts";
import { validateProperties } from "../../aws-schemas/validate-properties.ts";

function schemaOf(typeName: string): AwsSchema {
  const schema = readSchema(typeName);
  if (schema === undefined) throw new Error(`no schema of ${typeName}`);
  return schema;
}

test("of a definition that is wrong in thousands of places a hundred are told", () => {
  const properties = { CorsConfiguration: { CorsRules: Array(15_000).fill(0) }, Nothing: 1 };
  const found = validateProperties(schemaOf("AWS::S3::Bucket"), properties);
  expect(found).toHaveLength(100);
  expect(found.every(({ message }) => message === "must be an object" || message.startsWith("is no property"))).toBe(
    true,
  );
});

const refusals: { reason: string; type: string; properties: JsonObject; pointer: string; message: RegExp }[] = [
  {
    reason: "a missing property",
    type: "AWS::SSM::Parameter",
    properties: { Type: "String" },
    pointer: "/Value",
    message: /^is required$/,
  },
  {
    reason: "a property nobody knows",
    type: "AWS::S3::Bucket",
    properties: { Bucket: "x" },
    pointer: "/Bucket",
    message: /no property of AWS::S3::Bucket/,
  },
  {
    reason: "a value outside an enum",
    type: "AWS::S3::Bucket",
    properties: { VersioningConfiguration: { Status: "On" } },
    pointer: "/VersioningConfiguration/Status",
    message: /one of Enabled, Suspended/,
  },
  {
    reason: "a value of the wrong type",
    type: "AWS::SQS::Queue",
    properties: { DelaySeconds: "5" },
    pointer: "/DelaySeconds",
    message: /must be an integer/,
  },
  {
    reason: "a pattern",
    type: "AWS::S3::Bucket",
    properties: { BucketName: "No_Underscores" },
    pointer: "/BucketName",
    message: /pattern/,
  },
  {
    reason: "what only AWS sets",
    type: "AWS::SQS::Queue",
    properties: { Arn: "arn:aws:sqs:eu-west-1:1:q" },
    pointer: "/Arn",
    message: /read-only/,
  },
  {
    reason: "what only AWS sets, deeper",
    type: "AWS::ElastiCache::ServerlessCache",
    properties: { ServerlessCacheName: "c", Engine: "valkey", Endpoint: { Address: "mine" } },
    pointer: "/Endpoint/Address",
    message: /read-only/,
  },
  {
    reason: "an enum in any case",
    type: "AWS::ElastiCache::ServerlessCache",
    properties: { ServerlessCacheName: "c", Engine: "valkey", NetworkType: "ipv5" },
    pointer: "/NetworkType",
    message: /one of dual_stack, ipv4, ipv6/,
  },
];

describe("validateProperties", () => {
  test.each(refusals)("names the pointer of $reason", ({ type, properties, pointer, message }) => {
    expect(validateProperties(schemaOf(type), properties)).toEqual([
      { pointer, message: expect.stringMatching(message) },
    ]);
  });

  test("accepts what AWS accepts", () => {
    const accepted: [string, JsonObject][] = [
      ["AWS::S3::Bucket", { BucketName: "orders-files-0a1b2c3d", VersioningConfiguration: { Status: "Enabled" } }],
      ["AWS::ElastiCache::ServerlessCache", { ServerlessCacheName: "c", Engine: "valkey", NetworkType: "IPV4" }],
      ["AWS::SSM::Parameter", { Type: "String", Value: "x", Tags: { team: "payments" } }],
    ];
    for (const [type, properties] of accepted) expect(validateProperties(schemaOf(type), properties)).toEqual([]);
  });

  test("does not judge a value that is not known yet, and still misses what is not there", () => {
    const topic = { TopicName: "t", PartitionCount: "${resources.a.outputs.b}", ReplicationFactor: 3 };
    expect(validateProperties(schemaOf("AWS::MSK::Topic"), topic, { skip: ["/PartitionCount"] })).toEqual([
      { pointer: "/ClusterArn", message: "is required" },
    ]);
  });

  test("reads patterns as AWS does, end of text written as in Java included", () => {
    const group = schemaOf("AWS::Logs::LogGroup");
    expect(validateProperties(group, { LogGroupName: "/orders/API-Z" })).toEqual([]);
    expect(validateProperties(group, { LogGroupName: "no blanks" })).toHaveLength(1);
    const parameter = schemaOf("AWS::SSM::Parameter");
    const tagged = (key: string) => ({ Type: "String", Value: "v", Tags: { [key]: "1" } });
    expect(validateProperties(parameter, tagged("équipe"))).toEqual([]);
    expect(validateProperties(parameter, tagged("a*b"))).toEqual([
      { pointer: "/Tags/a*b", message: "is no property here" },
    ]);
  });

  test("compiles schemas whose patterns are no JavaScript", () => {
    const services = ["AWS::Lex::", "AWS::Connect::", "AWS::IoT::", "AWS::KMS::"];
    const types = openSchemas()
      .typeNames()
      .filter((name) => services.some((service) => name.startsWith(service)));
    expect(types.length).toBeGreaterThan(20);
    for (const type of types) expect(() => validateProperties(schemaOf(type), {})).not.toThrow();
  });
});
