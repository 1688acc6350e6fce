import { RemovalPolicy } from "aws-cdk-lib";
import { Key } from "aws-cdk-lib/aws-kms";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { CfnDBCluster, CfnDBInstance, CfnDBSubnetGroup } from "aws-cdk-lib/aws-rds";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";
import { tenantsCluster } from "../fixed-names.ts";
import type { Stage } from "../stages/stage.ts";
import type { NewTenants, Target } from "../stages/target.ts";

export type TenantsClusterOptions = { stage: Stage; target: Target; tenants: NewTenants };

/**
 * The cluster on which development and staging databases share the bill. It stands in the account's own network, because
 * tenants connect to it from there; Cairn alone uses the Data API. RDS makes and rotates the admin's password. These are
 * CloudFormation's own resources: CDK's cluster wants a network to look up, and what is needed of it here is two lists of ids.
 */
export class TenantsCluster extends Construct {
  readonly cluster: CfnDBCluster;
  readonly adminSecretArn: string;

  constructor(scope: Construct, id: string, { stage, target, tenants }: TenantsClusterOptions) {
    super(scope, id);
    const name = tenantsCluster(stage, target);
    const key = new Key(this, "Key", {
      alias: `cairn/${stage.name}/tenants-${target.name}`,
      description: `Cairn ${stage.name}: tenants' databases in ${target.name}`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const logs = new LogGroup(this, "Logs", {
      logGroupName: `/aws/rds/cluster/${name}/postgresql`,
      retention: stage.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const subnets = new CfnDBSubnetGroup(this, "Subnets", {
      dbSubnetGroupName: name,
      dbSubnetGroupDescription: `Cairn ${stage.name}: tenants' databases`,
      subnetIds: tenants.subnetIds,
    });
    this.cluster = new CfnDBCluster(this, "Cluster", {
      dbClusterIdentifier: name,
      engine: "aurora-postgresql",
      engineVersion: tenants.engineVersion,
      databaseName: tenants.database,
      masterUsername: "cairn_tenants",
      manageMasterUserPassword: true,
      enableHttpEndpoint: true,
      dbSubnetGroupName: subnets.ref,
      vpcSecurityGroupIds: tenants.securityGroupIds,
      serverlessV2ScalingConfiguration: { minCapacity: tenants.minCapacity, maxCapacity: tenants.maxCapacity },
      storageEncrypted: true,
      kmsKeyId: key.keyArn,
      backupRetentionPeriod: tenants.backupDays,
      copyTagsToSnapshot: true,
      deletionProtection: tenants.deletionProtection,
      enableCloudwatchLogsExports: ["postgresql"],
    });
    this.cluster.applyRemovalPolicy(RemovalPolicy.SNAPSHOT);
    this.cluster.node.addDependency(logs);
    acknowledge(this.cluster, {
      RDS6: "tenants have a role and a secret each; which of them may connect, and to what, is the provider's to keep",
      ...(tenants.deletionProtection ? {} : { RDS10: "the stage says that this target's cluster may be taken down" }),
      RDS11: "tenants' clients expect 5432, and who reaches it is the security groups' to say",
    });
    for (const number of tenants.standby ? [1, 2] : [1]) {
      new CfnDBInstance(this, `Instance${number}`, {
        dbInstanceIdentifier: `${name}-${number}`,
        dbClusterIdentifier: this.cluster.ref,
        dbInstanceClass: "db.serverless",
        engine: "aurora-postgresql",
        promotionTier: number - 1,
        publiclyAccessible: false,
      });
    }
    this.adminSecretArn = this.cluster.attrMasterUserSecretSecretArn;
  }
}
