import { Aws } from "aws-cdk-lib";
import type { MachineName } from "../functions/manifest.ts";
import type { Stage } from "./stages/stage.ts";

// A machine's tasks start machines too, so an ARN taken from the machine would be a circular dependency: names are fixed
// and ARNs are made from them.

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
