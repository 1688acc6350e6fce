import { Aws, Duration, RemovalPolicy } from "aws-cdk-lib";
import { Key } from "aws-cdk-lib/aws-kms";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { ClusterInstance, Credentials, DatabaseCluster, DatabaseSecret } from "aws-cdk-lib/aws-rds";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { StoreRole } from "../../functions/manifest.ts";
import { acknowledge } from "../acknowledge.ts";
import { storeCluster, storeSecretName } from "../fixed-names.ts";
import type { Stage } from "../stages/stage.ts";
import { auroraPostgres } from "./aurora-postgres.ts";
import { isolatedNetwork } from "./isolated-network.ts";

/**
 * Aurora PostgreSQL behind the Data API, with no network way in: callers need IAM and a role's secret, not a route.
 * The owner is the cluster's master user; the migrations make the other roles from their secrets.
 *
 * Cluster and instances have fixed names, so that a restored cluster takes the old one's place by being renamed, and every
 * role and function that names it goes on (docs/runbook.md).
 */
export class Store extends Construct {
  readonly cluster: DatabaseCluster;
  readonly database = "cairn";
  readonly key: Key;
  readonly secrets: { readonly [role in StoreRole]: ISecret };
  /** Who may use the key may do so only by reading a secret. */
  readonly onlyThroughSecrets = {
    StringEquals: { "kms:ViaService": `secretsmanager.${Aws.REGION}.${Aws.URL_SUFFIX}` },
  };

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    const { name, store, logDays } = stage;
    const clusterName = storeCluster(stage);
    // Data, backups and secrets: without the key there is none of them, so nothing here deletes it.
    this.key = new Key(this, "Key", {
      alias: `cairn/${name}/store`,
      description: `Cairn ${name}: the store and its secrets`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const instance = (number: number) => ({
      instanceIdentifier: `${clusterName}-${number}`,
      publiclyAccessible: false,
    });
    const secret = (role: StoreRole): ISecret => {
      const made = new DatabaseSecret(this, `Secret-${role}`, {
        secretName: storeSecretName({ name }, role),
        username: `cairn_${role}`,
        encryptionKey: this.key,
      });
      acknowledge(made, { SMG4: "CairnControl rotates it, whose function and schedule hold no data" });
      return made as ISecret;
    };
    const owner = secret("owner");
    // Aurora would make this group by itself and keep it for ever.
    const logs = new LogGroup(this, "Logs", {
      logGroupName: `/aws/rds/cluster/${clusterName}/postgresql`,
      retention: logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });

    this.cluster = new DatabaseCluster(this, "Cluster", {
      clusterIdentifier: clusterName,
      engine: auroraPostgres(store.engineVersion),
      credentials: Credentials.fromSecret(owner),
      defaultDatabaseName: this.database,
      enableDataApi: true,
      writer: ClusterInstance.serverlessV2("Writer", instance(1)),
      readers: store.standby
        ? [ClusterInstance.serverlessV2("Standby", { ...instance(2), scaleWithWriter: true })]
        : [],
      serverlessV2MinCapacity: store.minCapacity,
      serverlessV2MaxCapacity: store.maxCapacity,
      ...isolatedNetwork(this, "Network"),
      storageEncrypted: true,
      storageEncryptionKey: this.key,
      backup: { retention: Duration.days(store.backupDays) },
      deletionProtection: store.deletionProtection,
      removalPolicy: RemovalPolicy.SNAPSHOT,
      copyTagsToSnapshot: true,
      cloudwatchLogsExports: ["postgresql"],
    });
    this.cluster.node.addDependency(logs);
    acknowledge(this.cluster, {
      RDS6: "nobody connects over a network: the Data API takes IAM and a role's secret",
      ...(store.deletionProtection ? {} : { RDS10: "the stage says that its store may be taken down" }),
    });
    this.secrets = {
      owner: this.cluster.secret ?? owner,
      api: secret("api").attach(this.cluster),
      platform: secret("platform").attach(this.cluster),
      worker: secret("worker").attach(this.cluster),
    };
  }
}
