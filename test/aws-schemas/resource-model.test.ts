import { describe, expect, test } from "vitest";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { isCovered, pointersMatching, withoutProperties } from "../../aws-schemas/pointers.ts";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import {
  changedCreateOnly,
  primaryIdentifierOf,
  tagsProperty,
  withDefaults,
} from "../../aws-schemas/resource-model.ts";

function schemaOf(typeName: string): AwsSchema {
  const schema = readSchema(typeName);
  if (schema === undefined) throw new Error(`no schema of ${typeName}`);
  return schema;
}

describe("pointers", () => {
  const model = { Rules: [{ Id: "a", Prefix: "x" }, { Id: "b" }], Tags: { one: "1" }, "a/b": 1 };

  test.each([
    ["/properties/Rules/*/Prefix", ["/Rules/0/Prefix"]],
    ["/Rules/*/Id", ["/Rules/0/Id", "/Rules/1/Id"]],
    ["/properties/Rules/Id", ["/Rules/0/Id", "/Rules/1/Id"]],
    ["/Tags/*", ["/Tags/one"]],
    ["/Rules/1", ["/Rules/1"]],
    ["/a~1b", ["/a~1b"]],
    ["/Nothing/*/There", []],
  ])("%s covers %j", (pattern, pointers) => {
    expect(pointersMatching(model, pattern)).toEqual(pointers);
  });

  test("leave the rest of a model alone", () => {
    expect(withoutProperties(model, ["/properties/Rules/*/Prefix", "/Tags"])).toEqual({
      Rules: [{ Id: "a" }, { Id: "b" }],
      "a/b": 1,
    });
    expect(model.Tags).toEqual({ one: "1" });
  });

  test.each([
    ["/Rules/0/Id", "/properties/Rules/*/Id", true],
    ["/Rules/0/Id", "/properties/Rules/Id", true],
    ["/Rules/0/Id/Deeper", "/Rules", true],
    ["/Rules", "/Rules/*/Id", false],
    ["/RulesOther", "/Rules", false],
  ])("%s lies under %s: %s", (pointer, pattern, covered) => {
    expect(isCovered(pointer, pattern)).toBe(covered);
  });
});

describe("a resource model", () => {
  test("changes its object's identity where a create-only property changes, appears or goes", () => {
    const queue = schemaOf("AWS::SQS::Queue");
    expect(changedCreateOnly({ QueueName: "a", DelaySeconds: 1 }, { QueueName: "b", DelaySeconds: 2 }, queue)).toEqual([
      "/QueueName",
    ]);
    expect(changedCreateOnly({ QueueName: "a" }, { QueueName: "a", FifoQueue: true }, queue)).toEqual(["/FifoQueue"]);
    expect(changedCreateOnly({ QueueName: "a" }, { QueueName: "a" }, queue)).toEqual([]);
  });

  test("has an identifier once all its parts are known", () => {
    expect(primaryIdentifierOf(schemaOf("AWS::S3::Bucket"), { BucketName: "b" })).toBe("b");
    expect(primaryIdentifierOf(schemaOf("AWS::SQS::Queue"), { QueueName: "q" })).toBeUndefined();
    const stage = schemaOf("AWS::ApiGateway::Stage");
    expect(primaryIdentifierOf(stage, { RestApiId: "r", StageName: "s" })).toBe("r|s");
  });

  test.each([
    ["AWS::S3::Bucket", { pointer: "/Tags", shape: "list", key: "Key", value: "Value" }],
    ["AWS::AutoScaling::AutoScalingGroup", { pointer: "/Tags", shape: "list", key: "Key", value: "Value" }],
    ["AWS::SSM::Parameter", { pointer: "/Tags", shape: "map" }],
    ["AWS::MSK::Topic", undefined],
  ])("keeps the tags of %s at %j", (typeName, tags) => {
    expect(tagsProperty(schemaOf(typeName))).toEqual(tags);
  });

  test("takes the schema's defaults where it says nothing, also inside what it says", () => {
    const schema = {
      ...schemaOf("AWS::SSM::Parameter"),
      properties: { Tier: { default: "Standard" }, Nested: { $ref: "#/definitions/Nested" }, Absent: {} },
      definitions: { Nested: { type: "object", properties: { Deep: { default: 3 }, Given: { default: 4 } } } },
    };
    expect(withDefaults(schema, { Nested: { Given: 5 } })).toEqual({ Tier: "Standard", Nested: { Deep: 3, Given: 5 } });
    expect(withDefaults(schema, {})).toEqual({ Tier: "Standard" });
  });
});
