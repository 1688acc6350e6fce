import { Aws } from "aws-cdk-lib";
import type { FunctionName, MachineName, StoreRole } from "../functions/manifest.ts";
import { partitionOf } from "./stages/names.ts";
import type { Stage } from "./stages/stage.ts";
import type { Target } from "./stages/target.ts";

// Names that are known before anything is there, because one of two things has to name the other first: a machine's tasks
// start machines, a target's role trusts functions of another stack in another account, and a person looks for a name.

/** Of a function, and of its role. */
export function functionName(stage: Stage, name: FunctionName): string {
  return `cairn-${stage.name}-${name}`;
}

export function machineName(stage: Stage, machine: MachineName): string {
  return `cairn-${stage.name}-${machine}`;
}

/** Followed by the machine's name in the manifest. */
export function machineArnPrefix(stage: Stage): string {
  return `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:stateMachine:cairn-${stage.name}-`;
}

export function machineArn(stage: Stage, machine: MachineName): string {
  return `${machineArnPrefix(stage)}${machine}`;
}

/** Of a store role's secret. Short, because the Data API's reference gives a secret's ARN 100 characters at most. */
export function storeSecretName(stage: Pick<Stage, "name">, role: StoreRole): string {
  return `cairn-${stage.name}-${role}`;
}

/** Of the secrets under which a rotation tries a login. */
export function trialSecretArn(stage: Stage): string {
  return `arn:${Aws.PARTITION}:secretsmanager:${Aws.REGION}:${Aws.ACCOUNT_ID}:secret:cairn-${stage.name}-new-*`;
}

/** Of the role that a machine outside takes on to call the API. */
export function machineCallerRole(stage: Stage, caller: string): string {
  return `cairn-${stage.name}-caller-${caller}`;
}

/** For what a role of a target's is: to change AWS's objects or to look at them, and the same of tenants' databases. */
export const targetUses = ["change", "look", "tenants", "tenants-look"] as const;
export type TargetUse = (typeof targetUses)[number];

export function targetRole(stage: Stage, target: Target, use: TargetUse): string {
  return `cairn-${stage.name}-target-${target.name}${use === "change" ? "" : `-${use}`}`;
}

export function targetRoleArn(stage: Stage, target: Target, use: TargetUse): string {
  return `arn:${partitionOf(target.region)}:iam::${target.account}:role/${targetRole(stage, target, use)}`;
}

export function storeCluster(stage: Stage): string {
  return `cairn-${stage.name}`;
}

/** Of the cluster on which a target's tenants have their databases. */
export function tenantsCluster(stage: Stage, target: Target): string {
  return `cairn-${stage.name}-tenants-${target.name}`;
}
