import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { FunctionSpec, StoreRole } from "../functions/manifest.ts";
import type { Store } from "./constructs/store.ts";
import { machineArn, targetRoleArn, trialSecretArn } from "./fixed-names.ts";
import type { Stage } from "./stages/stage.ts";
import { takenOn } from "./target-permissions/trust.ts";

const transaction = ["rds-data:BeginTransaction", "rds-data:CommitTransaction", "rds-data:RollbackTransaction"];

/** What a function's role allows beside its logs and traces: what the manifest names for it and nothing else. */
export function functionPermissions(spec: FunctionSpec, stage: Stage, store: Store): PolicyStatement[] {
  return [
    ...(spec.storeRoles.length > 0 ? useStore(spec, store) : []),
    ...(spec.rotates !== undefined ? rotateSecrets(spec.rotates, stage, store) : []),
    ...allow(
      ["states:StartExecution"],
      spec.starts.map((machine) => machineArn(stage, machine)),
    ),
    // What may be done to a cloud is the target's role to say, in the target's own account.
    ...allow(
      ["sts:AssumeRole"],
      stage.targets.flatMap((target) => takenOn(spec, target).map((use) => targetRoleArn(stage, target, use))),
    ),
  ];
}

/** The Data API reads the secret with its caller's rights, so the caller needs the secret and, through it, the key. */
function useStore(spec: FunctionSpec, store: Store): PolicyStatement[] {
  return [
    ...allow(["rds-data:ExecuteStatement", ...(spec.transactions ? transaction : [])], [store.cluster.clusterArn]),
    ...allow(
      ["secretsmanager:GetSecretValue"],
      spec.storeRoles.map((role) => store.secrets[role].secretArn),
    ),
    ...allow(["kms:Decrypt"], [store.key.keyArn], store.onlyThroughSecrets),
  ];
}

/**
 * A rotation reads and writes the secrets it is about. Before it moves one to its new login it tries that under a secret of its
 * own, which is there for those seconds (database/rotation.ts).
 */
function rotateSecrets(roles: readonly StoreRole[], stage: Stage, store: Store): PolicyStatement[] {
  const calls = (...names: string[]) => names.map((name) => `secretsmanager:${name}`);
  return [
    ...allow(
      calls("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"),
      roles.map((role) => store.secrets[role].secretArn),
    ),
    ...allow(calls("CreateSecret", "GetSecretValue", "DeleteSecret"), [trialSecretArn(stage)]),
    ...allow(["kms:GenerateDataKey"], [store.key.keyArn], store.onlyThroughSecrets),
  ];
}

function allow(actions: string[], resources: string[], conditions: { [operator: string]: unknown } = {}) {
  return resources.length === 0 ? [] : [new PolicyStatement({ actions, resources, conditions })];
}
