import type { App } from "aws-cdk-lib";
import { ManagedPolicy, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import { acknowledge, acknowledgeResources } from "./acknowledge.ts";
import { TenantsCluster } from "./constructs/tenants-cluster.ts";
import { targetRole } from "./fixed-names.ts";
import { PlacedStack } from "./placed-stack.ts";
import { partitionOf } from "./stages/names.ts";
import type { Stage } from "./stages/stage.ts";
import type { Target } from "./stages/target.ts";
import { boundary } from "./target-permissions/boundary.ts";
import { grantsAt, type Kind } from "./target-permissions/derive-grants.ts";
import type { Grant } from "./target-permissions/grant.ts";
import { awsProviderGrants, locateGrants, postgresProviderGrants } from "./target-permissions/provider-calls.ts";
import { trustedFunctions } from "./target-permissions/trust.ts";

const isOpen = (text: string) => text.includes("*");

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
      assumedBy: trustedFunctions(stage, target),
      externalIds: [target.externalId],
      permissionsBoundary: this.ceiling(targetRole(stage, target), boundary(kinds, place)),
    });

    this.grants = [...awsProviderGrants, ...grantsAt(kinds, place)];
    const { tenants } = target;
    if (tenants?.cluster === "new") {
      const { cluster, adminSecretArn } = new TenantsCluster(this, "Tenants", { stage, target, tenants });
      const { attrDbClusterArn: arn } = cluster;
      this.grants = [...this.grants, ...locateGrants(arn), ...postgresProviderGrants(place, arn, adminSecretArn)];
    } else if (tenants?.cluster === "existing") {
      this.grants = [...this.grants, ...postgresProviderGrants(place, tenants.clusterArn, tenants.adminSecretArn)];
    }
    for (const { reason, ...statement } of this.grants) {
      role.addToPolicy(new PolicyStatement(statement));
      acknowledgeResources(role, statement.resources.filter(isOpen), reason);
    }
  }

  private ceiling(role: string, statements: PolicyStatement[]): ManagedPolicy {
    const managedPolicyName = `${role}-boundary`;
    const description = "What no policy of this role's can go beyond";
    const ceiling = new ManagedPolicy(this, "Boundary", { managedPolicyName, description, statements });
    const reason = "a boundary gives nothing; it says beyond which services no policy of the role's can go";
    const actions = statements.flatMap(({ actions }) => actions).filter(isOpen);
    acknowledge(ceiling, Object.fromEntries(actions.map((name) => [`IAM5[Action::${name}]`, reason])));
    acknowledgeResources(ceiling, ["*"], reason);
    return ceiling;
  }
}
