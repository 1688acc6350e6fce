import { beforeAll, describe, expect, test } from "vitest";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import { resolveRef } from "../../aws-schemas/resource-model.ts";
import type { ResourceRequest } from "../../core/definition.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Policy } from "../../core/policy.ts";
import { loadPolicy } from "../../policies/evaluate.ts";
import { goldenPaths, resolvedInput } from "../policies/resolved-input.ts";

// What an attacker asks for through the escape hatch, resolved by the golden paths that ship and judged by the rules
// that ship. Each row is one way around a rule; the last table keeps the door open for what teams are meant to tune.

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

const unknown = "${resources.other.outputs.arn}";
const account = "666666666666";
const theirQueue = "arn:aws:sqs:eu-central-1:111122223333:search-jobs-0123abcd";

type Row = { reason: string; overrides: JsonObject; rule: string };

/** The rules that deny it, in the tier where most is asked for. */
function denials(request: ResourceRequest): string[] {
  const { violations } = policy.evaluate(resolvedInput(request, "production"));
  return [...new Set(violations.map(({ rule }) => rule))];
}

const bucket: Row[] = [
  { reason: "encryption taken away", overrides: { BucketEncryption: null }, rule: "encryption-at-rest" },
  {
    reason: "encryption emptied",
    overrides: { BucketEncryption: { ServerSideEncryptionConfiguration: [] } },
    rule: "encryption-at-rest",
  },
  {
    reason: "encryption with nothing in it",
    overrides: { BucketEncryption: { ServerSideEncryptionConfiguration: [{ BucketKeyEnabled: true }] } },
    rule: "encryption-at-rest",
  },
  {
    reason: "the platform's key taken away with the list that names it",
    overrides: {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    },
    rule: "override-allowed",
  },
  {
    reason: "encryption with a key of somebody else",
    overrides: {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            ServerSideEncryptionByDefault: {
              SSEAlgorithm: "aws:kms",
              KMSMasterKeyID: `arn:aws:kms:eu-central-1:${account}:key/theirs`,
            },
          },
        ],
      },
    },
    rule: "override-allowed",
  },
  { reason: "the wall taken away", overrides: { PublicAccessBlockConfiguration: null }, rule: "no-public-exposure" },
  {
    reason: "one stone of the wall taken away",
    overrides: { PublicAccessBlockConfiguration: { BlockPublicPolicy: null } },
    rule: "no-public-exposure",
  },
  {
    reason: "the wall hidden behind a reference",
    overrides: { PublicAccessBlockConfiguration: unknown },
    rule: "no-public-exposure",
  },
  { reason: "a public list", overrides: { AccessControl: "PublicReadWrite" }, rule: "no-public-exposure" },
  { reason: "a list behind a reference", overrides: { AccessControl: unknown }, rule: "no-public-exposure" },
  { reason: "lists made to count again", overrides: { OwnershipControls: null }, rule: "override-allowed" },
  {
    reason: "others own what they write",
    overrides: { OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] } },
    rule: "override-allowed",
  },
  { reason: "versions taken away", overrides: { VersioningConfiguration: null }, rule: "production-safety" },
  {
    reason: "contents listed into a bucket elsewhere",
    overrides: {
      AnalyticsConfigurations: [
        {
          Id: "all",
          StorageClassAnalysis: {
            DataExport: {
              Destination: { BucketArn: "arn:aws:s3:::theirs", BucketAccountId: account, Format: "CSV" },
              OutputSchemaVersion: "V_1",
            },
          },
        },
      ],
    },
    rule: "override-allowed",
  },
  {
    reason: "metadata tabled elsewhere",
    overrides: {
      MetadataTableConfiguration: {
        S3TablesDestination: {
          TableBucketArn: `arn:aws:s3tables:eu-central-1:${account}:bucket/theirs`,
          TableName: "all",
        },
      },
    },
    rule: "override-allowed",
  },
  {
    reason: "requests logged into another team's bucket",
    overrides: { LoggingConfiguration: { DestinationBucketName: "search-logs" } },
    rule: "override-allowed",
  },
  { reason: "a name by prefix", overrides: { BucketNamePrefix: "search-" }, rule: "override-allowed" },
];

const database: Row[] = [
  { reason: "encryption taken away", overrides: { StorageEncrypted: null }, rule: "encryption-at-rest" },
  { reason: "encryption behind a reference", overrides: { StorageEncrypted: unknown }, rule: "encryption-at-rest" },
  { reason: "the key taken away", overrides: { KmsKeyId: null }, rule: "override-allowed" },
  { reason: "protection taken away", overrides: { DeletionProtection: null }, rule: "production-safety" },
  { reason: "protection behind a reference", overrides: { DeletionProtection: unknown }, rule: "production-safety" },
  { reason: "backups turned off", overrides: { BackupRetentionPeriod: 0 }, rule: "production-safety" },
  { reason: "backups behind a reference", overrides: { BackupRetentionPeriod: unknown }, rule: "production-safety" },
  { reason: "one zone", overrides: { MultiAZ: null }, rule: "production-safety" },
  { reason: "a public address", overrides: { PubliclyAccessible: true }, rule: "no-public-exposure" },
  {
    reason: "an address by the network's default",
    overrides: { PubliclyAccessible: null },
    rule: "no-public-exposure",
  },
  { reason: "backups thrown away with it", overrides: { DeleteAutomatedBackups: true }, rule: "override-allowed" },
  {
    reason: "backups kept in a region that is not allowed",
    overrides: { AutomaticBackupReplicationRegion: "us-gov-west-1" },
    rule: "override-allowed",
  },
  {
    reason: "made from another team's snapshot",
    overrides: { DBSnapshotIdentifier: "search-index" },
    rule: "override-allowed",
  },
  {
    reason: "made from another team's cluster snapshot",
    overrides: { DBClusterSnapshotIdentifier: "search-index" },
    rule: "override-allowed",
  },
  {
    reason: "made from another team's database of an hour ago",
    overrides: { SourceDbiResourceId: "db-SEARCHINDEX", UseLatestRestorableTime: true },
    rule: "override-allowed",
  },
  {
    reason: "made from another team's backups",
    overrides: { SourceDBInstanceAutomatedBackupsArn: `arn:aws:rds:eu-central-1:${account}:auto-backup:ab-search` },
    rule: "override-allowed",
  },
  {
    reason: "a replica of another team's cluster",
    overrides: { SourceDBClusterIdentifier: "search-index" },
    rule: "override-allowed",
  },
  {
    reason: "a member of another team's cluster",
    overrides: { DBClusterIdentifier: "search-index" },
    rule: "override-allowed",
  },
  {
    reason: "a role of the account's",
    overrides: {
      AssociatedRoles: [{ FeatureName: "s3Import", RoleArn: `arn:aws:iam::${account}:role/admin` }],
    },
    rule: "override-allowed",
  },
  {
    reason: "a machine's profile of the account's",
    overrides: { CustomIAMInstanceProfile: "AWSRDSCustomAdmin" },
    rule: "override-allowed",
  },
  { reason: "a directory of its own", overrides: { Domain: "d-1234567890" }, rule: "override-allowed" },
  {
    reason: "a password under another name",
    overrides: { TdeCredentialPassword: "hunter2hunter2" },
    rule: "override-allowed",
  },
  { reason: "a class under another name", overrides: { DBInstanceClass: "db.r8g.48xlarge" }, rule: "override-allowed" },
  { reason: "another engine", overrides: { Engine: "oracle-ee" }, rule: "override-allowed" },
];

const queue: Row[] = [
  { reason: "encryption turned off", overrides: { SqsManagedSseEnabled: false }, rule: "encryption-at-rest" },
  { reason: "encryption taken away", overrides: { SqsManagedSseEnabled: null }, rule: "encryption-at-rest" },
  { reason: "encryption behind a reference", overrides: { SqsManagedSseEnabled: unknown }, rule: "encryption-at-rest" },
  {
    reason: "a key of somebody else",
    overrides: { SqsManagedSseEnabled: false, KmsMasterKeyId: `arn:aws:kms:eu-central-1:${account}:key/theirs` },
    rule: "override-allowed",
  },
  {
    reason: "everybody may send it dead letters",
    overrides: { RedriveAllowPolicy: { redrivePermission: "allowAll" } },
    rule: "override-allowed",
  },
  {
    reason: "messages put into another team's queue, as dead letters",
    overrides: { RedrivePolicy: { deadLetterTargetArn: theirQueue, maxReceiveCount: 1 } },
    rule: "override-allowed",
  },
  {
    reason: "the same, written as text",
    overrides: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: theirQueue, maxReceiveCount: 1 }) },
    rule: "override-allowed",
  },
];

const topic: Row[] = [
  {
    reason: "more partitions than the shared cluster bears",
    overrides: { PartitionCount: 1_000_000 },
    rule: "override-allowed",
  },
  { reason: "one copy of each message", overrides: { ReplicationFactor: 1 }, rule: "override-allowed" },
];

const secret: Row[] = [
  {
    reason: "a value sent inside a template",
    overrides: {
      GenerateSecretString: { SecretStringTemplate: '{"password":"hunter2hunter2"}', GenerateStringKey: "other" },
    },
    rule: "override-allowed",
  },
  {
    reason: "a value that is easily guessed",
    overrides: { GenerateSecretString: { PasswordLength: 1, ExcludeUppercase: true } },
    rule: "override-allowed",
  },
  { reason: "no value at all", overrides: { GenerateSecretString: null }, rule: "override-allowed" },
  {
    reason: "copies in other regions",
    overrides: { ReplicaRegions: [{ Region: "us-gov-west-1" }] },
    rule: "override-allowed",
  },
];

const cache: Row[] = [
  { reason: "no snapshots", overrides: { SnapshotRetentionLimit: 0 }, rule: "production-safety" },
  { reason: "the key taken away", overrides: { KmsKeyId: null }, rule: "override-allowed" },
  { reason: "a door to the internet", overrides: { ConnectionType: "public" }, rule: "no-public-exposure" },
  { reason: "the same door in capitals", overrides: { ConnectionType: "PUBLIC" }, rule: "no-public-exposure" },
  { reason: "a door behind a reference", overrides: { ConnectionType: unknown }, rule: "no-public-exposure" },
  {
    reason: "another team's snapshot",
    overrides: {
      SnapshotArnsToRestore: [`arn:aws:elasticache:eu-central-1:${account}:serverlesscachesnapshot:theirs`],
    },
    rule: "override-allowed",
  },
  { reason: "another team's users", overrides: { UserGroupId: "search" }, rule: "override-allowed" },
];

const rows = Object.entries({ bucket, postgres: database, queue, topic, secret, redis: cache }).flatMap(
  ([type, attacks]) => attacks.map((attack) => ({ type, ...attack })),
);

describe("an override that takes a protection away is denied", () => {
  test.each(rows)("$type: $reason", ({ type, overrides, rule }) => {
    expect(denials({ type })).toEqual([]);
    expect(denials({ type, overrides })).toContain(rule);
  });
});

/** Words by which AWS's schemas name what anybody may reach. */
const saysPublic = /^(authenticated-?read|internet(-facing)?|public.*)$/i;

/** Every top-level property of a type that ships whose schema offers such a word, and true for one whose name does. */
const offered = goldenPaths.list().flatMap(({ type, tiers }) => {
  const schema = readSchema(tiers.production?.kind ?? "");
  return Object.entries(schema?.properties ?? {}).flatMap(([property, part]) => {
    const { enum: exact = [], enumCaseInsensitive: inAnyCase = [] } = resolveRef(schema as AwsSchema, part);
    const words = [...exact, ...inAnyCase].filter((value) => saysPublic.test(String(value)));
    const open = /^publicly/i.test(property) ? [...words, true] : words;
    return open.map((value) => ({ type, property, value }));
  });
});

describe("what AWS calls public is denied, also in a property that came with its newest schemas", () => {
  test("there are such properties", () => {
    expect(offered.map(({ type, property, value }) => `${type} ${property} ${value}`).sort()).toEqual([
      "bucket AccessControl AuthenticatedRead",
      "bucket AccessControl PublicRead",
      "bucket AccessControl PublicReadWrite",
      "postgres PubliclyAccessible true",
      "redis ConnectionType public",
    ]);
  });

  test.each(offered)("$type: $property = $value", ({ type, property, value }) => {
    expect(denials({ type, overrides: { [property]: value } })).toContain("no-public-exposure");
  });
});

describe("a parameter cannot be what a rule does not see", () => {
  const refused: { reason: string; request: ResourceRequest }[] = [
    {
      reason: "protection behind a reference",
      request: { type: "bucket", parameters: { deletionProtection: unknown } },
    },
    {
      reason: "dead letters into another team's queue",
      request: {
        type: "queue",
        parameters: { deadLetter: { deadLetterTargetArn: theirQueue, maxReceiveCount: 1 } },
      },
    },
    { reason: "protection as null", request: { type: "bucket", parameters: { deletionProtection: null } } },
    { reason: "a type that every object has", request: { type: "constructor" } },
    { reason: "a class that every object has", request: { type: "postgres", class: "constructor" } },
    {
      reason: "a template over the target",
      request: { type: "parameter", parameters: { value: "${target.roleArn}" } },
    },
    {
      reason: "a reference through a prototype",
      request: { type: "parameter", parameters: { value: "${resources.__proto__.toString}" } },
    },
    { reason: "a name that is derived", request: { type: "bucket", overrides: { BucketName: "search-files" } } },
    {
      reason: "another owner's tag",
      request: { type: "bucket", overrides: { Tags: [{ Key: "cairn:team", Value: "search" }] } },
    },
    { reason: "tags taken away", request: { type: "bucket", overrides: { Tags: null } } },
    { reason: "a password", request: { type: "postgres", overrides: { MasterUserPassword: "hunter2hunter2" } } },
    { reason: "a secret's value", request: { type: "secret", overrides: { SecretString: "hunter2hunter2" } } },
  ];

  test.each(refused)("$reason", ({ request }) => {
    expect(() => resolvedInput(request, "production")).toThrow(/"pointer":"\/resources\/it\//);
  });
});

describe("what teams are meant to tune stays theirs", () => {
  const allowed: { reason: string; request: ResourceRequest }[] = [
    {
      reason: "a browser reads the bucket",
      request: {
        type: "bucket",
        overrides: {
          CorsConfiguration: { CorsRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["https://shop.example"] }] },
        },
      },
    },
    {
      reason: "a maintenance window",
      request: { type: "postgres", overrides: { PreferredBackupWindow: "02:00-03:00" } },
    },
    { reason: "a longer backup", request: { type: "postgres", overrides: { BackupRetentionPeriod: 30 } } },
    {
      reason: "dead letters into a queue of the same service",
      request: { type: "queue", parameters: { deadLetter: { deadLetterTargetArn: unknown, maxReceiveCount: 3 } } },
    },
    {
      reason: "a lifecycle with as many filters as a definition holds",
      request: {
        type: "bucket",
        overrides: {
          LifecycleConfiguration: {
            Rules: [
              {
                Status: "Enabled",
                ExpirationInDays: 30,
                TagFilters: Array.from({ length: 550 }, (_, index) => ({ Key: `${index}`, Value: "" })),
              },
            ],
          },
        },
      },
    },
    { reason: "larger messages", request: { type: "queue", overrides: { MaximumMessageSize: 65_536 } } },
    { reason: "a longer secret", request: { type: "secret", parameters: { length: 64, excludePunctuation: false } } },
    {
      reason: "Kafka's settings",
      request: { type: "topic", overrides: { Configs: "Y2xlYW51cC5wb2xpY3k9Y29tcGFjdA==" } },
    },
  ];

  test.each(allowed)("$reason", ({ request }) => {
    expect(denials(request)).toEqual([]);
  });
});
