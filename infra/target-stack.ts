import type { App } from "aws-cdk-lib";
import { ManagedPolicy, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import { TenantsCluster } from "./constructs/tenants-cluster.ts";
import { targetRole } from "./fixed-names.ts";
import { PlacedStack } from "./placed-stack.ts";
import { partitionOf } from "./stages/names.ts";
import type { Stage } from "./stages/stage.ts";
import type { Target } from "./stages/target.ts";
import { boundary } from "./target-permissions/boundary.ts";
import { grantsAt, type Kind } from "./target-permissions/derive-grants.ts";
import type { Grant } from "./target-permissions/grant.ts";
import { awsProviderGrants, postgresProviderGrants } from "./target-permissions/provider-calls.ts";
import { trustedFunctions } from "./target-permissions/trust.ts";

export type TargetStackOptions = { stage: Stage; target: Target; kinds: readonly Kind[] };

/**
 * What an account has to have for Cairn to provision into it: a role that Cairn's functions take on, bounded, and allowed what
 * the golden paths need there; and, if the target asks for one, the cluster for tenants' databases.
 */
export class TargetStack extends PlacedStack {
  readonly grants: readonly Grant[];

  constructor(app: App, id: string, { stage, target, kinds }: TargetStackOptions) {
    super(app, id, target, {
      description: `Cairn ${stage.name}: what it may do in target ${target.name}`,
      terminationProtection: target.tenants?.cluster === "new" && target.tenants.deletionProtection,
    });
    const { account, region, values } = target;
    const place = { partition: partitionOf(region), account, region, values };
    const role = new Role(this, "Role", {
      roleName: targetRole(stage, target),
      description: `Cairn ${stage.name} provisions with it`,
      assumedBy: trustedFunctions(stage),
      externalIds: [target.externalId],
      permissionsBoundary: new ManagedPolicy(this, "Boundary", {
        managedPolicyName: `${targetRole(stage, target)}-boundary`,
        description: "What no policy of this role's can go beyond",
        statements: boundary(kinds, place),
      }),
    });

    this.grants = [...awsProviderGrants, ...grantsAt(kinds, place)];
    const { tenants } = target;
    if (tenants?.cluster === "new") {
      const { cluster, adminSecretArn } = new TenantsCluster(this, "Tenants", { stage, target, tenants });
      this.grants = [...this.grants, ...postgresProviderGrants(place, cluster.attrDbClusterArn, adminSecretArn)];
    } else if (tenants?.cluster === "existing") {
      this.grants = [...this.grants, ...postgresProviderGrants(place, tenants.clusterArn, tenants.adminSecretArn)];
    }
    for (const { reason: _, ...statement } of this.grants) role.addToPolicy(new PolicyStatement(statement));
  }
}
