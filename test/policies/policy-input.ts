import type { JsonObject } from "../../core/json.ts";
import type { PolicyInput } from "../../core/policy.ts";

type Changes = Partial<Omit<PolicyInput, "environment" | "team">> & {
  tier?: PolicyInput["environment"]["tier"];
  contact?: string | null;
};

/** A harmless apply of one resource in staging; a test changes the one thing it is about. */
export function policyInput(resource: Partial<PolicyInput["resource"]> = {}, changes: Changes = {}): PolicyInput {
  const { tier = "staging", contact = "payments@example.com", ...rest } = changes;
  return {
    schema: 1,
    now: 1_763_800_000,
    action: "apply",
    caller: { subject: "ada", role: "developer" },
    team: { id: "payments", contact },
    service: "orders",
    environment: { name: tier, tier },
    resource: {
      name: "it",
      type: "thing",
      version: 1,
      class: null,
      provider: "aws",
      kind: "AWS::Test::Thing",
      region: "eu-central-1",
      parameters: {},
      overrides: null,
      properties: {},
      protected: false,
      ...resource,
    },
    ...rest,
  };
}

/** As a golden path would give it with overrides that only add or replace top-level properties. */
export function overridden(kind: string, properties: JsonObject, overrides: JsonObject): PolicyInput {
  return policyInput({ kind, overrides, properties: { ...properties, ...overrides } });
}

export const privateBucket: JsonObject = {
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
  },
  PublicAccessBlockConfiguration: {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  },
  VersioningConfiguration: { Status: "Enabled" },
};

export const safeDatabase: JsonObject = {
  BackupRetentionPeriod: 14,
  DeletionProtection: true,
  MultiAZ: true,
  PubliclyAccessible: false,
  StorageEncrypted: true,
};

export const safeQueue: JsonObject = { SqsManagedSseEnabled: true };

export const reference = { ref: "${resources.other.outputs.key}" };
