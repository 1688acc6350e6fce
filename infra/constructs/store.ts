import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IVpc, SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
  DatabaseSecret,
} from "aws-cdk-lib/aws-rds";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { StoreRole } from "../../functions/manifest.ts";
import type { Stage } from "../stages/stage.ts";

/**
 * Aurora PostgreSQL behind the Data API, with no network way in: callers need IAM and a role's secret, not a route.
 * The owner is the cluster's master user; the migrations make the other roles from their secrets.
 */
export class Store extends Construct {
  readonly cluster: DatabaseCluster;
  readonly database = "cairn";
  readonly secrets: { readonly [role in StoreRole]: ISecret };

  constructor(
    scope: Construct,
    id: string,
    { minCapacity, maxCapacity, backupDays, deletionProtection }: Stage["store"],
  ) {
    super(scope, id);
    // CDK's classes say `| undefined` where its interfaces do not, which exactOptionalPropertyTypes minds: hence `as`.
    const vpc = new Vpc(this, "Network", {
      natGateways: 0,
      maxAzs: 2, // Aurora asks for two
      subnetConfiguration: [{ name: "store", subnetType: SubnetType.PRIVATE_ISOLATED }],
    }) as IVpc;
    const secret = (role: StoreRole): ISecret =>
      new DatabaseSecret(this, `Secret-${role}`, { username: `cairn_${role}` }) as ISecret;
    const owner = secret("owner");
    this.cluster = new DatabaseCluster(this, "Cluster", {
      engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_7 }),
      credentials: Credentials.fromSecret(owner),
      defaultDatabaseName: this.database,
      enableDataApi: true,
      writer: ClusterInstance.serverlessV2("Writer", { publiclyAccessible: false }),
      serverlessV2MinCapacity: minCapacity,
      serverlessV2MaxCapacity: maxCapacity,
      vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      storageEncrypted: true,
      backup: { retention: Duration.days(backupDays) },
      deletionProtection,
      removalPolicy: RemovalPolicy.SNAPSHOT,
      copyTagsToSnapshot: true,
    });
    this.secrets = {
      owner: this.cluster.secret ?? owner,
      api: secret("api").attach(this.cluster),
      platform: secret("platform").attach(this.cluster),
      worker: secret("worker").attach(this.cluster),
    };
  }
}
