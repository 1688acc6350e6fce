import { DeleteResourceCommand, ListResourcesCommand } from "@aws-sdk/client-cloudcontrol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCloud, type TestCloud } from "./with-cloud.ts";

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startTestCloud();
  await cloud.sim("PUT", "settings", { requestsPerSecond: null });
});
afterAll(async () => {
  await cloud.stop();
  cloud.remove();
});

const cluster = "arn:aws:kafka:eu-west-1:123456789012:cluster/shared/0a1b2c3d-1111-2222-3333-444455556666-1";
const kinds: {
  type: string;
  wanted: { [name: string]: unknown };
  identifier: RegExp;
  read: { [name: string]: unknown };
  hidden: string[];
}[] = [
  {
    type: "AWS::S3::Bucket",
    wanted: {
      BucketName: "orders-files-0a1b2c3d",
      VersioningConfiguration: { Status: "Enabled" },
      AccessControl: "Private",
    },
    identifier: /^orders-files-0a1b2c3d$/,
    read: {
      Arn: "arn:aws:s3:::orders-files-0a1b2c3d",
      RegionalDomainName: "orders-files-0a1b2c3d.s3.eu-west-1.amazonaws.com",
    },
    hidden: ["AccessControl", "MetadataConfiguration"],
  },
  {
    type: "AWS::SQS::Queue",
    wanted: { QueueName: "orders-jobs", DelaySeconds: 5 },
    identifier: /^https:\/\/sqs\.eu-west-1\.amazonaws\.com\/123456789012\/orders-jobs$/,
    read: { Arn: "arn:aws:sqs:eu-west-1:123456789012:orders-jobs", DelaySeconds: 5 },
    hidden: [],
  },
  {
    type: "AWS::SSM::Parameter",
    wanted: {
      Name: "/payments/url",
      Type: "String",
      Value: "postgres://x",
      Description: "why",
      Tags: { team: "payments" },
    },
    identifier: /^\/payments\/url$/,
    read: { Value: "postgres://x", DataType: "text", Arn: "arn:aws:ssm:eu-west-1:123456789012:parameter/payments/url" },
    hidden: ["Description"],
  },
  {
    type: "AWS::SecretsManager::Secret",
    wanted: { Name: "orders-key", GenerateSecretString: { PasswordLength: 40 } },
    identifier: /^arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-key-[A-Za-z0-9]{6}$/,
    read: { Name: "orders-key" },
    hidden: ["GenerateSecretString", "SecretString"],
  },
  {
    type: "AWS::ElastiCache::ServerlessCache",
    wanted: { ServerlessCacheName: "orders-cache", Engine: "valkey" },
    identifier: /^orders-cache$/,
    read: {
      Endpoint: {
        Address: expect.stringMatching(/^orders-cache-\w{6}\.serverless\.euw1\.cache\.amazonaws\.com$/),
        Port: "6379",
      },
      Status: "available",
      CreateTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    },
    hidden: [],
  },
  {
    type: "AWS::MSK::Topic",
    wanted: {
      ClusterArn: cluster,
      TopicName: "orders-events",
      PartitionCount: 6,
      ReplicationFactor: 3,
      Configs: "e30=",
    },
    identifier: /:topic\/shared\/0a1b2c3d-[-\d]+\/orders-events$/,
    read: { PartitionCount: 6 },
    hidden: ["Configs"],
  },
  {
    type: "AWS::RDS::DBCluster",
    wanted: {
      DBClusterIdentifier: "tenants",
      Engine: "aurora-postgresql",
      MasterUsername: "cairn_tenants",
      ManageMasterUserPassword: true,
    },
    identifier: /^tenants$/,
    read: {
      DBClusterArn: "arn:aws:rds:eu-west-1:123456789012:cluster:tenants",
      Endpoint: {
        Address: expect.stringMatching(/^tenants\.cluster-\w{12}\.eu-west-1\.rds\.amazonaws\.com$/),
        Port: "5432",
      },
      MasterUserSecret: { SecretArn: expect.stringMatching(/:secret:rds!cluster-/) },
    },
    hidden: ["MasterUserPassword"],
  },
  {
    type: "AWS::RDS::DBInstance",
    wanted: {
      DBInstanceIdentifier: "Orders-DB",
      Engine: "postgres",
      DBInstanceClass: "db.t4g.small",
      AllocatedStorage: "20",
      MasterUsername: "orders",
      ManageMasterUserPassword: true,
    },
    identifier: /^orders-db$/,
    read: {
      Endpoint: {
        Address: expect.stringMatching(/^orders-db\.\w{12}\.eu-west-1\.rds\.amazonaws\.com$/),
        Port: "5432",
        HostedZoneId: expect.any(String),
      },
      MasterUserSecret: { SecretArn: expect.stringMatching(/:secret:rds!db-/) },
    },
    hidden: ["MasterUserPassword"],
  },
  {
    type: "AWS::DynamoDB::Table",
    wanted: {
      TableName: "orders",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    },
    identifier: /^orders$/,
    read: { Arn: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders" },
    hidden: [],
  },
  {
    type: "AWS::Logs::LogGroup",
    wanted: { LogGroupName: "/orders" },
    identifier: /^\/orders$/,
    read: { LogGroupClass: "STANDARD", DeletionProtectionEnabled: false, Arn: expect.stringMatching(/^arn:aws:logs:/) },
    hidden: [],
  },
];

describe.each(kinds)("$type", ({ type, wanted, identifier, read, hidden }) => {
  test("is created, read, listed and deleted, with what the service makes and without what it hides", async () => {
    const accepted = await cloud.create(type, wanted);
    expect(accepted.OperationStatus).toBe("IN_PROGRESS");
    cloud.pass(3);
    const event = await cloud.status(accepted.RequestToken);
    expect(event).toMatchObject({ OperationStatus: "SUCCESS", Identifier: expect.stringMatching(identifier) });
    const properties = await cloud.read(type, event.Identifier);
    expect(properties).toMatchObject(read);
    for (const name of hidden) expect(properties).not.toHaveProperty(name);

    const listed = await cloud.client.send(new ListResourcesCommand({ TypeName: type }));
    expect(listed.ResourceDescriptions?.map(({ Identifier }) => Identifier)).toContain(event.Identifier);

    expect(await cloud.made(type, wanted)).toMatchObject({ OperationStatus: "FAILED", ErrorCode: "AlreadyExists" });

    const deletion = await cloud.client.send(
      new DeleteResourceCommand({ TypeName: type, Identifier: event.Identifier }),
    );
    cloud.pass(3);
    expect(await cloud.status(deletion.ProgressEvent?.RequestToken)).toMatchObject({ OperationStatus: "SUCCESS" });
    await expect(cloud.read(type, event.Identifier)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    const again = await cloud.client.send(new DeleteResourceCommand({ TypeName: type, Identifier: event.Identifier }));
    cloud.pass(3);
    expect(await cloud.status(again.ProgressEvent?.RequestToken)).toMatchObject({
      OperationStatus: "FAILED",
      ErrorCode: "NotFound",
    });
  });
});
