import { AccountPrincipal, type PrincipalBase } from "aws-cdk-lib/aws-iam";
import { type FunctionName, type FunctionSpec, functions } from "../../functions/manifest.ts";
import { functionName, type TargetUse } from "../fixed-names.ts";
import { partitionOf } from "../stages/names.ts";
import type { Stage } from "../stages/stage.ts";
import type { Target } from "../stages/target.ts";

/** The roles of a target that a function ever takes on: for what lives there, or for where its new cluster is. */
export function takenOn({ providers }: FunctionSpec, { tenants }: Target): TargetUse[] {
  if (providers === "none") return [];
  if (providers === "locate") return tenants?.cluster === "new" ? ["tenants-look"] : [];
  const uses: readonly TargetUse[] = providers === "write" ? ["change", "tenants"] : ["look", "tenants-look"];
  return tenants === null ? uses.slice(0, 1) : [...uses];
}

/**
 * The roles of the functions that ask providers, by name: IAM refuses to trust a role that is not there yet, and a target may
 * come first. The condition leaves nobody else of Cairn's account in.
 */
export function trustedFunctions(stage: Stage, target: Target, use: TargetUse): PrincipalBase {
  const { account } = stage;
  if (account === null) throw new Error(`${stage.name} has targets and no account; infra/stages/stage.ts lets none by`);
  const asking = (Object.keys(functions) as FunctionName[]).filter((name) =>
    takenOn(functions[name], target).includes(use),
  );
  const roles = asking.map(
    (name) => `arn:${partitionOf(stage.region)}:iam::${account}:role/${functionName(stage, name)}`,
  );
  return new AccountPrincipal(account).withConditions({ ArnEquals: { "aws:PrincipalArn": roles } });
}
