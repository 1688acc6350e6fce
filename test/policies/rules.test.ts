import { beforeAll, describe, expect, test } from "vitest";
import type { Policy, PolicyInput } from "../../core/policy.ts";
import { loadPolicy } from "../../policies/evaluate.ts";
import { overridden, policyInput, privateBucket, reference, safeDatabase, safeQueue } from "./policy-input.ts";

// The shipped wasm with the shipped configuration, as a caller meets them. Every row names all that is said.

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

const bucket = "AWS::S3::Bucket";
const database = "AWS::RDS::DBInstance";
const queue = "AWS::SQS::Queue";
const production = { tier: "production" } as const;
const policyFor = (principal: unknown, more = {}) =>
  ({ PolicyDocument: { Statement: [{ Effect: "Allow", Principal: principal, ...more }] } }) as never;

type Row = { reason: string; input: PolicyInput; denied?: string[]; warned?: string[] };

const rows: { [rule: string]: Row[] } = {
  "no-public-exposure": [
    { reason: "a private bucket", input: policyInput({ kind: bucket, properties: privateBucket }) },
    {
      reason: "a bucket whose block an override lifts",
      input: overridden(bucket, privateBucket, {
        PublicAccessBlockConfiguration: {
          ...(privateBucket.PublicAccessBlockConfiguration as object),
          BlockPublicAcls: false,
        },
      }),
      denied: ["no-public-exposure /resources/it/overrides/PublicAccessBlockConfiguration/BlockPublicAcls"],
    },
    {
      reason: "a public access control list",
      input: overridden(bucket, privateBucket, { AccessControl: "PublicRead" }),
      denied: ["no-public-exposure /resources/it/overrides/AccessControl"],
    },
    {
      reason: "an access control list that is not known",
      input: overridden(bucket, privateBucket, { AccessControl: reference }),
      denied: ["no-public-exposure /resources/it/overrides/AccessControl"],
    },
    {
      reason: "a website",
      input: overridden(bucket, privateBucket, { WebsiteConfiguration: { IndexDocument: "index.html" } }),
      denied: ["no-public-exposure /resources/it/overrides/WebsiteConfiguration"],
    },
    {
      reason: "a public database",
      input: overridden(database, safeDatabase, { PubliclyAccessible: true }),
      denied: ["no-public-exposure /resources/it/overrides/PubliclyAccessible"],
    },
    {
      reason: "a database that may be public, since nobody said",
      input: policyInput({ kind: database, properties: { StorageEncrypted: true } }),
      denied: ["no-public-exposure /resources/it"],
    },
    {
      reason: "a public address of any other kind, deep inside",
      input: policyInput({ properties: { Nested: [{ AssignPublicIp: "ENABLED" }] } }),
      denied: ["no-public-exposure /resources/it"],
    },
    {
      reason: "an internet-facing load balancer, which is what AWS makes when nothing is said",
      input: policyInput({ kind: "AWS::ElasticLoadBalancingV2::LoadBalancer" }),
      denied: ["no-public-exposure /resources/it"],
    },
    {
      reason: "a public Kafka cluster",
      input: policyInput({ properties: { ConnectivityInfo: { PublicAccess: { Type: "SERVICE_PROVIDED_EIPS" } } } }),
      denied: ["no-public-exposure /resources/it"],
    },
    ...["*", { AWS: "*" }, { AWS: ["arn:aws:iam::111122223333:root", "*"] }, { Service: "*" }, reference, {}, null].map(
      (principal) => ({
        reason: `a policy for ${JSON.stringify(principal)}`,
        input: policyInput({ properties: policyFor(principal) }),
        denied: ["no-public-exposure /resources/it"],
      }),
    ),
    { reason: "a policy for one account", input: policyInput({ properties: policyFor({ AWS: "111122223333" }) }) },
    {
      reason: "a policy that refuses everybody",
      input: policyInput({ properties: policyFor("*", { Effect: "Deny" }) }),
    },
    {
      reason: "a policy for all but one",
      input: policyInput({
        properties: { PolicyDocument: { Statement: { Effect: "Allow", NotPrincipal: { AWS: "1" } } } },
      }),
      denied: ["no-public-exposure /resources/it"],
    },
    {
      reason: "a policy as text, in small letters",
      input: policyInput({ properties: { ResourcePolicy: '{"statement":[{"effect":"allow","principal":"*"}]}' } }),
      denied: ["no-public-exposure /resources/it"],
    },
    {
      reason: "a policy that is another resource's output",
      input: policyInput({ properties: { PolicyDocument: reference }, parameters: { document: reference } }),
      denied: ["no-public-exposure /resources/it/parameters/document"],
    },
    ...["0.0.0.0/0", "::/0", "128.0.0.0/1", "what", "1.2.3.4/x", reference].map((range) => ({
      reason: `a security group open to ${JSON.stringify(range)}`,
      input: policyInput({ properties: { SecurityGroupIngress: [{ CidrIp: range }] } }),
      denied: ["no-public-exposure /resources/it"],
    })),
    {
      reason: "a security group open to one network, and free to call out",
      input: policyInput({
        properties: {
          SecurityGroupIngress: [{ CidrIp: "10.0.0.0/16" }],
          SecurityGroupEgress: [{ CidrIp: "0.0.0.0/0" }],
        },
      }),
    },
  ],
  "encryption-at-rest": [
    {
      reason: "a bucket whose encryption an override removes",
      input: policyInput({
        kind: bucket,
        overrides: { BucketEncryption: null },
        properties: { PublicAccessBlockConfiguration: privateBucket.PublicAccessBlockConfiguration ?? {} },
      }),
      denied: [
        "encryption-at-rest /resources/it/overrides/BucketEncryption",
        "override-allowed /resources/it/overrides/BucketEncryption",
      ],
    },
    {
      reason: "an unencrypted database",
      input: overridden(database, safeDatabase, { StorageEncrypted: false }),
      denied: ["encryption-at-rest /resources/it/overrides/StorageEncrypted"],
    },
    {
      reason: "a database with encryption as text, which is not true",
      input: overridden(database, safeDatabase, { StorageEncrypted: "true" }),
      denied: ["encryption-at-rest /resources/it/overrides/StorageEncrypted"],
    },
    { reason: "a queue with SQS's key", input: policyInput({ kind: queue, properties: safeQueue }) },
    {
      reason: "a queue with a key of KMS",
      input: policyInput({ kind: queue, properties: { SqsManagedSseEnabled: false, KmsMasterKeyId: "alias/aws/sqs" } }),
    },
    {
      reason: "a queue without either",
      input: overridden(queue, safeQueue, { SqsManagedSseEnabled: false }),
      denied: ["encryption-at-rest /resources/it/overrides/SqsManagedSseEnabled"],
    },
    { reason: "a cache, always encrypted", input: policyInput({ kind: "AWS::ElastiCache::ServerlessCache" }) },
    { reason: "a table, encrypted unless told otherwise", input: policyInput({ kind: "AWS::DynamoDB::Table" }) },
    {
      reason: "a table that opts out",
      input: policyInput({ kind: "AWS::DynamoDB::Table", properties: { SSESpecification: { SSEEnabled: false } } }),
      denied: ["encryption-at-rest /resources/it"],
    },
    {
      reason: "an unencrypted disk in a list",
      input: policyInput({ properties: { Disks: [{ Encrypted: true }, { Encrypted: false }] } }),
      denied: ["encryption-at-rest /resources/it"],
    },
  ],
  "production-safety": [
    {
      reason: "a safe database",
      input: policyInput({ kind: database, properties: safeDatabase, protected: true }, production),
    },
    {
      reason: "a database with six days of backups, in one zone",
      input: policyInput(
        {
          kind: database,
          protected: true,
          parameters: { backupRetentionDays: 6 },
          overrides: { MultiAZ: false },
          properties: { ...safeDatabase, BackupRetentionPeriod: 6, MultiAZ: false },
        },
        production,
      ),
      denied: [
        "production-safety /resources/it/overrides/MultiAZ",
        "production-safety /resources/it/parameters/backupRetentionDays",
      ],
    },
    {
      reason: "the same outside production",
      input: overridden(database, safeDatabase, {
        MultiAZ: false,
        BackupRetentionPeriod: 1,
        DeletionProtection: false,
      }),
    },
    {
      reason: "a bucket without versions",
      input: policyInput(
        {
          kind: bucket,
          protected: true,
          overrides: { VersioningConfiguration: { Status: "Suspended" } },
          properties: { ...privateBucket, VersioningConfiguration: { Status: "Suspended" } },
        },
        production,
      ),
      denied: ["production-safety /resources/it/overrides/VersioningConfiguration/Status"],
    },
    {
      reason: "protection that was lifted in words",
      input: policyInput(
        {
          kind: database,
          parameters: { deletionProtection: false },
          properties: { ...safeDatabase, DeletionProtection: false },
        },
        production,
      ),
      warned: ["production-safety /resources/it/parameters/deletionProtection"],
    },
    {
      reason: "protection that was switched off behind the parameter's back",
      input: policyInput(
        {
          kind: database,
          protected: true,
          overrides: { DeletionProtection: false },
          properties: { ...safeDatabase, DeletionProtection: false },
        },
        production,
      ),
      denied: ["production-safety /resources/it/overrides/DeletionProtection"],
    },
    {
      reason: "a topic on two brokers",
      input: policyInput(
        { kind: "AWS::MSK::Topic", protected: true, properties: { ReplicationFactor: 2, PartitionCount: 2 } },
        production,
      ),
      denied: ["production-safety /resources/it"],
    },
  ],
  "deletion-protection": [
    {
      reason: "a protected resource",
      input: policyInput({ protected: true }, { action: "delete" }),
      denied: ["deletion-protection /resources/it"],
    },
    {
      reason: "an unprotected one, whatever else a rule would say about it",
      input: policyInput({ kind: bucket, region: "nowhere-1" }, { action: "delete" }),
    },
  ],
  "class-allowed": [
    { reason: "small in development", input: policyInput({ class: "small" }, { tier: "development" }) },
    {
      reason: "large in development",
      input: policyInput({ class: "large" }, { tier: "development" }),
      denied: ["class-allowed /resources/it/class"],
    },
    { reason: "large in production", input: policyInput({ class: "large" }, production) },
    { reason: "a type without classes", input: policyInput({ class: null }) },
  ],
  "region-allowed": [
    {
      reason: "a region that is not listed",
      input: policyInput({ region: "ap-south-1" }),
      denied: ["region-allowed /resources/it"],
    },
    {
      reason: "a regional provider without a region",
      input: policyInput({ region: null }),
      denied: ["region-allowed /resources/it"],
    },
    { reason: "a provider without regions", input: policyInput({ region: null, provider: "postgres" }) },
  ],
  "override-allowed": [
    {
      reason: "tuning its own object",
      input: overridden(bucket, privateBucket, { CorsConfiguration: { CorsRules: [{ AllowedMethods: ["GET"] }] } }),
    },
    {
      reason: "its name, its owner, its key, its role: four things that are the platform's",
      input: overridden(bucket, privateBucket, {
        BucketName: "mine",
        Tags: [],
        Deep: [{ "a/b~c": { KmsKeyId: "k" } }],
        ReplicationConfiguration: { Role: "arn:aws:iam::111122223333:role/r" },
      }),
      denied: [
        "override-allowed /resources/it/overrides/BucketName",
        "override-allowed /resources/it/overrides/Deep/0/a~1b~0c/KmsKeyId",
        "override-allowed /resources/it/overrides/ReplicationConfiguration",
        "override-allowed /resources/it/overrides/ReplicationConfiguration/Role",
        "override-allowed /resources/it/overrides/Tags",
      ],
    },
    {
      reason: "what a class stands for",
      input: overridden(database, safeDatabase, { DBInstanceClass: "db.r8g.48xlarge" }),
      denied: ["override-allowed /resources/it/overrides/DBInstanceClass"],
    },
  ],
  "owner-known": [
    {
      reason: "nobody, in staging",
      input: policyInput({}, { contact: null }),
      warned: ["owner-known /team"],
    },
    {
      reason: "nobody, in production",
      input: policyInput({}, { contact: " ", tier: "production" }),
      denied: ["owner-known /team"],
    },
  ],
};

for (const [rule, cases] of Object.entries(rows)) {
  describe(rule, () => {
    test.each(cases)("$reason", ({ input, denied = [], warned = [] }) => {
      const verdict = policy.evaluate(input);
      const said = (findings: typeof verdict.violations) =>
        findings.map(({ rule, pointer }) => `${rule} ${pointer}`).sort();
      expect(said(verdict.violations)).toEqual(denied);
      expect(said(verdict.warnings)).toEqual(warned);
      expect(verdict.allow).toBe(denied.length === 0);
    });
  });
}

test("every finding says what is wrong and what to do, in whole words", () => {
  const inputs = Object.values(rows).flatMap((cases) => cases.map(({ input }) => input));
  for (const { violations, warnings } of inputs.map((input) => policy.evaluate(input))) {
    for (const { resource, message, fix } of [...violations, ...warnings]) {
      expect(resource).toBe("it");
      expect(message).toMatch(/^\S.{10,}$/);
      expect(fix).toMatch(/^\S.{10,}$/);
      // OPA writes an undefined value into a text as this.
      expect(message + fix).not.toContain("<undefined>");
    }
  }
});
