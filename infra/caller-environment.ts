import { Aws } from "aws-cdk-lib";
import { machineCallerRole } from "./fixed-names.ts";
import type { Stage } from "./stages/stage.ts";

/** What `api/caller-rules.ts` reads: who is who, from the stage's file. */
export function callerEnvironment(stage: Stage): { CAIRN_CALLERS: string } {
  const { claims, platformSubjects } = stage.tokens;
  const machines = stage.machineCallers.map((caller) => ({
    principal: `arn:${Aws.PARTITION}:sts::${Aws.ACCOUNT_ID}:assumed-role/${machineCallerRole(stage, caller.name)}`,
    role: caller.role,
    team: "team" in caller ? caller.team : null,
  }));
  return { CAIRN_CALLERS: JSON.stringify({ claims, platformSubjects, machines }) };
}
