import { describe, expect, test } from "vitest";
import { readSchema } from "../../../aws-schemas/read-schema.ts";
import type { JsonObject } from "../../../core/json.ts";
import { differencesOf } from "../../../providers/aws/compare.ts";
import { patchFor } from "../../../providers/aws/patch.ts";

function schemaOf(kind: string) {
  const schema = readSchema(kind);
  if (!schema) throw new Error(`no schema of ${kind}`);
  return schema;
}

async function patch(kind: string, desired: JsonObject, actual: JsonObject) {
  const schema = schemaOf(kind);
  return patchFor(schema, desired, actual, await differencesOf(schema, desired, actual));
}

describe("the patch of an update", () => {
  test("replaces what changed and nothing beside it", async () => {
    const desired = { BucketName: "b", VersioningConfiguration: { Status: "Enabled" } };
    expect(
      await patch("AWS::S3::Bucket", desired, { BucketName: "b", VersioningConfiguration: { Status: "Suspended" } }),
    ).toEqual([{ op: "replace", path: "/VersioningConfiguration/Status", value: "Enabled" }]);
  });

  test("adds a whole object where there is none", async () => {
    const desired = { VersioningConfiguration: { Status: "Enabled" } };
    expect(await patch("AWS::S3::Bucket", desired, {})).toEqual([
      { op: "add", path: "/VersioningConfiguration", value: { Status: "Enabled" } },
    ]);
  });

  test("keeps the tags that others added and leaves AWS's own out", async () => {
    const desired = {
      Tags: [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "2" },
      ],
    };
    const actual = {
      Tags: [
        { Key: "a", Value: "x" },
        { Key: "aws:stack", Value: "s" },
        { Key: "cost", Value: "9" },
      ],
    };
    expect(await patch("AWS::S3::Bucket", desired, actual)).toEqual([
      {
        op: "replace",
        path: "/Tags",
        value: [
          { Key: "a", Value: "1" },
          { Key: "b", Value: "2" },
          { Key: "cost", Value: "9" },
        ],
      },
    ]);
  });

  test("adds write-only properties again, because AWS patches what it can read", async () => {
    const desired = { Name: "p", Value: "new", Tier: "Standard", Description: "d" };
    expect(await patch("AWS::SSM::Parameter", desired, { Name: "p", Value: "old" })).toEqual([
      { op: "replace", path: "/Value", value: "new" },
      { op: "add", path: "/Tier", value: "Standard" },
      { op: "add", path: "/Description", value: "d" },
    ]);
  });

  test("removes what is no longer wanted, and a tag from among the others", async () => {
    const desired = { Tags: [{ Key: "a", Value: "1" }] };
    const actual = {
      VersioningConfiguration: { Status: "Enabled" },
      Tags: [
        { Key: "b", Value: "2" },
        { Key: "cost", Value: "9" },
        { Key: "a", Value: "1" },
      ],
    };
    const gone = ["/VersioningConfiguration", "/Tags/0"].map((pointer) => ({ pointer, expected: null, actual: "x" }));
    expect(patchFor(schemaOf("AWS::S3::Bucket"), desired, actual, gone)).toEqual([
      { op: "remove", path: "/VersioningConfiguration" },
      {
        op: "replace",
        path: "/Tags",
        value: [
          { Key: "a", Value: "1" },
          { Key: "cost", Value: "9" },
        ],
      },
    ]);
  });

  test("names a write-only property that is no longer wanted, and sends the others again", async () => {
    const desired = { Name: "p", Value: "v", Tier: "Standard" };
    const gone = [{ pointer: "/Description", expected: null, actual: "(not shown)" }];
    expect(patchFor(schemaOf("AWS::SSM::Parameter"), desired, { Name: "p", Value: "v" }, gone)).toEqual([
      { op: "add", path: "/Tier", value: "Standard" },
      { op: "add", path: "/Description", value: "" },
      { op: "remove", path: "/Description" },
    ]);
  });
});
