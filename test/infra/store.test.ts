import { Match, type Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import type { StoreRole } from "../../functions/manifest.ts";
import { readStage } from "../../infra/stages/read-stage.ts";
import { fullStage } from "./full-stage.ts";
import { synthesize } from "./synthesize.ts";

const roles: StoreRole[] = ["api", "platform", "worker", "owner"];
let store: Template;
let control: Template;

beforeAll(() => {
  ({ store, control } = synthesize(fullStage));
});

describe("the store", () => {
  test("is an encrypted Aurora PostgreSQL 17 behind the Data API", () => {
    store.hasResourceProperties("AWS::RDS::DBCluster", {
      Engine: "aurora-postgresql",
      EngineVersion: Match.stringLikeRegexp("^17\\."),
      EnableHttpEndpoint: true,
      StorageEncrypted: true,
      DeletionProtection: true,
      BackupRetentionPeriod: 35,
      ServerlessV2ScalingConfiguration: { MinCapacity: 1, MaxCapacity: 16 },
      EnableCloudwatchLogsExports: ["postgresql"],
    });
  });

  test("has one key for data and secrets, which rotates and outlives the stack", () => {
    store.hasResource("AWS::KMS::Key", { Properties: { EnableKeyRotation: true }, DeletionPolicy: "Retain" });
    const [key] = Object.keys(store.findResources("AWS::KMS::Key"));
    const ofKey = { KmsKeyId: { "Fn::GetAtt": [key, "Arn"] } };
    store.allResourcesProperties("AWS::RDS::DBCluster", ofKey);
    store.allResourcesProperties("AWS::SecretsManager::Secret", ofKey);
  });

  test("leaves a last snapshot behind when it is taken down, whatever is asked", () => {
    store.hasResource("AWS::RDS::DBCluster", { DeletionPolicy: "Snapshot", UpdateReplacePolicy: "Snapshot" });
  });

  test("has a standby in production, and instances whose names a restored cluster can take", () => {
    for (const name of ["cairn-production-1", "cairn-production-2"])
      store.hasResourceProperties("AWS::RDS::DBInstance", { DBInstanceIdentifier: name });
  });

  test("may sleep outside production", () => {
    const { store } = synthesize(readStage("development"));
    store.hasResourceProperties("AWS::RDS::DBCluster", {
      ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 2 },
      DeletionProtection: false,
    });
    store.resourceCountIs("AWS::RDS::DBInstance", 1);
  });

  test("has no way in from a network and none out", () => {
    for (const type of ["InternetGateway", "NatGateway", "Route", "SecurityGroupIngress", "VPCEndpoint"]) {
      store.resourceCountIs(`AWS::EC2::${type}`, 0);
    }
    store.allResourcesProperties("AWS::EC2::SecurityGroup", { SecurityGroupIngress: Match.absent() });
    store.allResourcesProperties("AWS::RDS::DBInstance", { PubliclyAccessible: false });
  });

  test("has a secret for each database role", () => {
    for (const role of roles) {
      store.hasResourceProperties("AWS::SecretsManager::Secret", {
        GenerateSecretString: Match.objectLike({ SecretStringTemplate: `{"username":"cairn_${role}"}` }),
      });
    }
    store.resourceCountIs("AWS::SecretsManager::Secret", roles.length);
  });

  test("holds all data: the other stack can be torn down and rebuilt", () => {
    for (const type of [
      "AWS::RDS::DBCluster",
      "AWS::SecretsManager::Secret",
      "AWS::S3::Bucket",
      "AWS::DynamoDB::Table",
    ]) {
      control.resourceCountIs(type, 0);
    }
    const keeps = Object.values(control.toJSON().Resources as Record<string, { DeletionPolicy?: string }>).filter(
      ({ DeletionPolicy }) => DeletionPolicy !== undefined && DeletionPolicy !== "Delete",
    );
    expect(keeps).toEqual([]);
  });
});
