import { describe, expect, test } from "vitest";
import { openSchemas, readSchema } from "../../aws-schemas/read-schema.ts";
import { openArchive, packArchive } from "../../aws-schemas/schema-archive.ts";

describe("AWS's resource schemas", () => {
  test("hold every type that has handlers", () => {
    expect(openSchemas().typeNames().length).toBe(1744);
  });

  test("say what is required, who sets it and what it costs to change it", () => {
    const topic = readSchema("AWS::MSK::Topic");
    expect(topic?.required).toContain("PartitionCount");
    expect(topic?.primaryIdentifier).toEqual(["/properties/TopicArn"]);
    expect(topic?.writeOnlyProperties).toEqual(["/properties/Configs"]);
    expect(topic?.createOnlyProperties).toContain("/properties/ReplicationFactor");
    expect(topic?.handlers.create?.permissions).toContain("kafka-cluster:CreateTopic");
  });

  test("hold no words for people", () => {
    expect(JSON.stringify(readSchema("AWS::S3::Bucket"))).not.toContain('"description":"');
  });

  test.each(["AWS::S3::Nothing", "constructor", "__proto__", ""])("know no type %j", (typeName) => {
    expect(readSchema(typeName)).toBeUndefined();
  });

  test("fit into a bundle as a smaller archive of the types it needs", () => {
    const wanted = ["AWS::S3::Bucket", "AWS::SQS::Queue"];
    const schemas = wanted.map((name) => readSchema(name)).filter((schema) => schema !== undefined);
    const archive = openArchive(packArchive(schemas));
    expect(archive.typeNames()).toEqual(wanted);
    expect(archive.read("AWS::SQS::Queue")).toEqual(readSchema("AWS::SQS::Queue"));
    expect(archive.read("AWS::RDS::DBInstance")).toBeUndefined();
  });
});
