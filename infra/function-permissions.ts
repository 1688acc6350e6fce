import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { FunctionSpec } from "../functions/manifest.ts";
import type { Store } from "./constructs/store.ts";
import { machineArn, targetRoleArn } from "./fixed-names.ts";
import type { Stage } from "./stages/stage.ts";

/** The statements of the Data API that Cairn makes; a batch is not among them. */
const dataApi = ["ExecuteStatement", "BeginTransaction", "CommitTransaction", "RollbackTransaction"];

/** What a function's role allows beside its logs and traces: what the manifest names for it and nothing else. */
export function functionPermissions(spec: FunctionSpec, stage: Stage, store: Store): PolicyStatement[] {
  return [
    ...(spec.storeRoles.length > 0 ? useStore(spec, store) : []),
    ...allow(
      ["states:StartExecution"],
      spec.starts.map((machine) => machineArn(stage, machine)),
    ),
    // What may be done to a cloud is the target's role to say, in the target's own account.
    ...allow(
      ["sts:AssumeRole"],
      spec.providers === "none" ? [] : stage.targets.map((target) => targetRoleArn(stage, target)),
    ),
  ];
}

/** The Data API reads the secret with its caller's rights, so the caller needs the secret and, through it, the key. */
function useStore(spec: FunctionSpec, store: Store): PolicyStatement[] {
  return [
    ...allow(
      dataApi.map((call) => `rds-data:${call}`),
      [store.cluster.clusterArn],
    ),
    ...allow(
      ["secretsmanager:GetSecretValue"],
      spec.storeRoles.map((role) => store.secrets[role].secretArn),
    ),
    ...allow(["kms:Decrypt"], [store.key.keyArn], store.onlyThroughSecrets),
  ];
}

function allow(actions: string[], resources: string[], conditions: { [operator: string]: unknown } = {}) {
  return resources.length === 0 ? [] : [new PolicyStatement({ actions, resources, conditions })];
}
