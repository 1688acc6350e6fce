import { describe, expect, test } from "vitest";
import type { Definition, ResourceRequest, Tier } from "../../core/definition.ts";
import type { JsonObject } from "../../core/json.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { inputFor } from "./inputs.ts";

const paths = loadGoldenPaths(new URL("../../golden-paths/", import.meta.url), awsKindSchemas());

function resolved(request: ResourceRequest, tier: Tier = "staging"): Definition {
  const result = paths.resolve(inputFor(request, { tier }));
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.definition;
}

test("overrides are a merge patch on the provider's own properties, and stay visible", () => {
  const overrides: JsonObject = {
    VersioningConfiguration: { Status: "Enabled" },
    PublicAccessBlockConfiguration: { BlockPublicAcls: false },
    LifecycleConfiguration: null,
  };
  const { properties, overrides: kept } = resolved({ type: "bucket", overrides });
  expect(properties).toMatchObject({
    VersioningConfiguration: { Status: "Enabled" },
    PublicAccessBlockConfiguration: { BlockPublicAcls: false, BlockPublicPolicy: true },
  });
  expect(properties).not.toHaveProperty("LifecycleConfiguration");
  expect(kept).toEqual(overrides);
});

type Row = { reason: string; type: string; tier?: Tier; overrides: JsonObject; pointer: string; message: RegExp };

const refused: Row[] = [
  {
    reason: "a property that AWS does not know",
    type: "bucket",
    overrides: { Versioning: true },
    pointer: "/Versioning",
    message: /no property of AWS::S3::Bucket/,
  },
  {
    reason: "a property that AWS does not know, deep",
    type: "bucket",
    overrides: { VersioningConfiguration: { Status: "Enabled", MfaDelete: "Enabled" } },
    pointer: "/VersioningConfiguration/MfaDelete",
    message: /no property/,
  },
  {
    reason: "a value that AWS does not take",
    type: "bucket",
    overrides: { VersioningConfiguration: { Status: "On" } },
    pointer: "/VersioningConfiguration/Status",
    message: /must be one of Enabled, Suspended/,
  },
  {
    reason: "a type that AWS does not take, in a list",
    type: "bucket",
    overrides: { LifecycleConfiguration: { Rules: [{ Status: "Enabled", ExpirationInDays: "ten" }] } },
    pointer: "/LifecycleConfiguration/Rules/0/ExpirationInDays",
    message: /must be an integer/,
  },
  {
    reason: "a whole object replaced by text",
    type: "bucket",
    overrides: { LifecycleConfiguration: "none" },
    pointer: "/LifecycleConfiguration",
    message: /must be an object/,
  },
  {
    reason: "a required property removed",
    type: "parameter",
    overrides: { Type: null },
    pointer: "/Type",
    message: /is required/,
  },
  {
    reason: "a read-only property",
    type: "bucket",
    overrides: { Arn: "arn:aws:s3:::other" },
    pointer: "/Arn",
    message: /read-only/,
  },
  {
    reason: "a nested read-only property",
    type: "redis",
    overrides: { Endpoint: { Address: "evil.example" } },
    pointer: "/Endpoint/Address",
    message: /read-only/,
  },
  {
    reason: "the derived name",
    type: "bucket",
    overrides: { BucketName: "mine" },
    pointer: "/BucketName",
    message: /name is derived .* cannot be overridden/,
  },
  {
    reason: "the derived name, removed",
    type: "queue",
    overrides: { QueueName: null },
    pointer: "/QueueName",
    message: /name is derived/,
  },
  {
    reason: "another role on the shared cluster",
    type: "postgres",
    overrides: { Role: "postgres" },
    pointer: "/Role",
    message: /another team's/,
  },
  {
    reason: "out of range for the shared cluster",
    type: "postgres",
    overrides: { ConnectionLimit: 100_000 },
    pointer: "/ConnectionLimit",
    message: /must be <= 500/,
  },
  {
    reason: "unknown to the shared cluster",
    type: "postgres",
    overrides: { Superuser: true },
    pointer: "/Superuser",
    message: /no property of Postgres::Database/,
  },
  {
    reason: "a password",
    type: "postgres",
    tier: "production",
    overrides: { MasterUserPassword: "hunter2hunter2" },
    pointer: "/MasterUserPassword",
    message: /never sent/,
  },
  {
    reason: "a secret's value",
    type: "secret",
    overrides: { SecretString: "hunter2hunter2" },
    pointer: "/SecretString",
    message: /generated and never sent/,
  },
  {
    reason: "another cluster",
    type: "topic",
    overrides: { ClusterArn: "arn:aws:kafka:eu-central-1:1:cluster/other/1" },
    pointer: "/ClusterArn",
    message: /platform team says which cluster/,
  },
  {
    reason: "tags where the kind takes none",
    type: "topic",
    overrides: { Tags: [{ Key: "a", Value: "b" }] },
    pointer: "/Tags",
    message: /no property of AWS::MSK::Topic/,
  },
  {
    reason: "an owner's tag in a list",
    type: "queue",
    overrides: {
      Tags: [
        { Key: "a", Value: "b" },
        { Key: "cairn:team", Value: "other" },
      ],
    },
    pointer: "/Tags/1/Key",
    message: /name the owner and cannot be set/,
  },
  {
    reason: "an owner's tag in a map",
    type: "parameter",
    overrides: { Tags: { "cairn:team": "other" } },
    pointer: "/Tags/cairn:team",
    message: /name the owner and cannot be set/,
  },
  {
    reason: "the owner's tags, removed",
    type: "queue",
    overrides: { Tags: null },
    pointer: "/Tags",
    message: /the owner's tags stay/,
  },
  {
    reason: "a tag twice",
    type: "queue",
    overrides: {
      Tags: [
        { Key: "a", Value: "b" },
        { Key: "a", Value: "c" },
      ],
    },
    pointer: "/Tags/1/Key",
    message: /twice/,
  },
  {
    reason: "a tag without a key",
    type: "queue",
    overrides: { Tags: [{ Value: "b" }] },
    pointer: "/Tags/0/Key",
    message: /is required/,
  },
  {
    reason: "__proto__",
    type: "bucket",
    overrides: JSON.parse('{"__proto__": {"polluted": true}}') as JsonObject,
    pointer: "/__proto__",
    message: /no property of AWS::S3::Bucket/,
  },
];

test.each(refused)("refused: $reason, at $pointer", ({ type, tier, overrides, pointer, message }) => {
  const parameters: JsonObject = type === "parameter" ? { value: "on" } : {};
  const result = paths.resolve(inputFor({ type, parameters, overrides }, { tier: tier ?? "staging" }));
  const errors = [{ pointer: `/resources/it/overrides${pointer}`, message: expect.stringMatching(message) }];
  expect(result).toEqual({ ok: false, errors });
  // A refused secret must not come back in the answer, which is logged.
  expect(JSON.stringify(result)).not.toContain("hunter2");
});

describe("owner's tags", () => {
  const owner = {
    "cairn:team": "payments",
    "cairn:service": "orders",
    "cairn:environment": "staging",
    "cairn:resource-id": "01938a2e-5b7c-7c3d-8e4f-0123456789ab",
  };

  test("stand behind the caller's in a list", () => {
    const theirs = [{ Key: "cost-centre", Value: "42" }];
    expect(resolved({ type: "queue", overrides: { Tags: theirs } }).properties.Tags).toEqual([
      ...theirs,
      ...Object.entries(owner).map(([Key, Value]) => ({ Key, Value })),
    ]);
  });

  test("stand beside the caller's in a map", () => {
    const request = { type: "parameter", parameters: { value: "on" }, overrides: { Tags: { "cost-centre": "42" } } };
    expect(resolved(request).properties.Tags).toEqual({ "cost-centre": "42", ...owner });
  });

  test("are left out where the kind takes none", () => {
    expect(resolved({ type: "topic" }).properties).not.toHaveProperty("Tags");
    expect(resolved({ type: "postgres" }).properties).not.toHaveProperty("Tags");
  });
});

describe("a change that needs another object", () => {
  const replacements = (before: Definition, after: Definition) => paths.replacements(before, after);

  test("is told by the create-only properties that differ", () => {
    const before = resolved({ type: "topic", parameters: { partitions: 3 } });
    expect(replacements(before, resolved({ type: "topic", parameters: { partitions: 12 } }))).toEqual([]);
    expect(replacements(before, resolved({ type: "topic", parameters: { replicas: 2 } }))).toEqual([
      "/parameters/replicas",
    ]);
  });

  test("is told for a kind whose schema the golden path carries", () => {
    const before = resolved({ type: "postgres" });
    expect(replacements(before, resolved({ type: "postgres", class: "large" }))).toEqual([]);
    const renamed = { ...before, properties: { ...before.properties, Database: "other", Role: "other" } };
    expect(replacements(before, renamed)).toEqual(["/type", "/type"]);
  });

  test("is told when the provider's kind is another one", () => {
    expect(replacements(resolved({ type: "postgres" }), resolved({ type: "postgres" }, "production"))).toEqual([
      "/type",
    ]);
    expect(replacements(resolved({ type: "queue" }), resolved({ type: "bucket" }))).toEqual(["/type"]);
  });
});
