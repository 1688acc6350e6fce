import type { App } from "aws-cdk-lib";
import { ManagedPolicy, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import { acknowledge, acknowledgeResources } from "./acknowledge.ts";
import { TenantsCluster } from "./constructs/tenants-cluster.ts";
import { type TargetUse, targetRole } from "./fixed-names.ts";
import { PlacedStack } from "./placed-stack.ts";
import { partitionOf } from "./stages/names.ts";
import type { Stage } from "./stages/stage.ts";
import type { Target, Tenants } from "./stages/target.ts";
import { boundary, exactly } from "./target-permissions/boundary.ts";
import { grantsAt, type Kind } from "./target-permissions/derive-grants.ts";
import type { Grant, Place } from "./target-permissions/grant.ts";
import { awsProviderGrants, locateGrants, postgresProviderGrants } from "./target-permissions/provider-calls.ts";
import { trustedFunctions } from "./target-permissions/trust.ts";

const isOpen = (text: string) => text.includes("*");

export type TargetStackOptions = { stage: Stage; target: Target; kinds: readonly Kind[] };

/**
 * What an account has to have for Cairn to provision into it: roles that Cairn's functions take on, bounded, and allowed what AWS's
 * objects need to be looked at, to be changed, and what tenants' databases need; and, if the target asks for one, the cluster for tenants' databases.
 */
export class TargetStack extends PlacedStack {
  constructor(app: App, id: string, options: TargetStackOptions) {
    const { stage, target, kinds } = options;
    super(app, id, target, {
      description: `Cairn ${stage.name}: what it may do in target ${target.name}`,
      terminationProtection: target.tenants?.cluster === "new" && target.tenants.deletionProtection,
    });
    const { account, region, values } = target;
    const place = { partition: partitionOf(region), account, region, values };
    const granted = (use: "change" | "look") => [...awsProviderGrants[use], ...grantsAt(kinds, place, use)];
    this.role("Role", options, "change", boundary(kinds, place), granted("change"));
    this.role("LookRole", options, "look", exactly(granted("look"), place), granted("look"));
    const { tenants } = target;
    if (tenants === null) return;
    const { change, look } = this.grantsOnTenants(options, tenants, place);
    this.role("TenantsRole", options, "tenants", exactly(change, place), change);
    this.role("TenantsLookRole", options, "tenants-look", exactly(look, place), look);
  }

  /** On the cluster for tenants' databases, which is made here if the target asks for one. */
  private grantsOnTenants({ stage, target }: TargetStackOptions, tenants: Tenants, place: Place) {
    if (tenants.cluster === "existing")
      return postgresProviderGrants(place, tenants.clusterArn, tenants.adminSecretArn);
    const { cluster, adminSecretArn } = new TenantsCluster(this, "Tenants", { stage, target, tenants });
    const { attrDbClusterArn: arn } = cluster;
    const { change, look } = postgresProviderGrants(place, arn, adminSecretArn);
    return { change, look: [...locateGrants(arn), ...look] };
  }

  private role(
    id: string,
    { stage, target }: TargetStackOptions,
    use: TargetUse,
    ceiling: PolicyStatement[],
    grants: readonly Grant[],
  ): void {
    const roleName = targetRole(stage, target, use);
    const role = new Role(this, id, {
      roleName,
      description: `Cairn ${stage.name} provisions with it`,
      assumedBy: trustedFunctions(stage, target, use),
      externalIds: [target.externalId],
      permissionsBoundary: this.ceiling(id.replace("Role", "Boundary"), roleName, ceiling),
    });
    for (const { reason, ...statement } of grants) {
      role.addToPolicy(new PolicyStatement(statement));
      acknowledgeResources(role, statement.resources.filter(isOpen), reason);
    }
  }

  private ceiling(id: string, role: string, statements: PolicyStatement[]): ManagedPolicy {
    const managedPolicyName = `${role}-boundary`;
    const description = "What no policy of this role's can go beyond";
    const ceiling = new ManagedPolicy(this, id, { managedPolicyName, description, statements });
    const reason = "a boundary gives nothing; it says beyond which services no policy of the role's can go";
    const actions = statements.flatMap(({ actions }) => actions).filter(isOpen);
    acknowledge(ceiling, Object.fromEntries(actions.map((name) => [`IAM5[Action::${name}]`, reason])));
    acknowledgeResources(ceiling, ["*"], reason);
    return ceiling;
  }
}
