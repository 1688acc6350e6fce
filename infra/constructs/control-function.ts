import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { FunctionName, FunctionSpec } from "../../functions/manifest.ts";
import { acknowledgeResources } from "../acknowledge.ts";
import { functionName, machineArnPrefix, trialSecretArn } from "../fixed-names.ts";
import { functionPermissions } from "../function-permissions.ts";
import type { Stage } from "../stages/stage.ts";
import type { Store } from "./store.ts";

export type ControlFunctionOptions = {
  name: FunctionName;
  spec: FunctionSpec;
  stage: Stage;
  store: Store;
  /** Folder with `index.mjs` and the data it reads. */
  bundle: string;
  /** What this one function needs to know beside what all do. */
  variables?: { [name: string]: string };
};

/** A Lambda function with a role of its own that allows what the manifest names and nothing else. */
export class ControlFunction extends Construct {
  readonly handler: LambdaFunction;

  constructor(scope: Construct, id: string, { name, spec, stage, store, bundle, variables }: ControlFunctionOptions) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Logs", {
      logGroupName: `/aws/lambda/${functionName(stage, name)}`,
      retention: stage.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", {
      roleName: functionName(stage, name),
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    logGroup.grantWrite(role);
    for (const statement of functionPermissions(spec, stage, store)) role.addToPolicy(statement);

    acknowledgeResources(role, ["*"], "X-Ray takes no narrower resource");
    if (spec.rotates !== undefined)
      acknowledgeResources(role, [trialSecretArn(stage)], "their names end in what a rotation's token hashes to");

    this.handler = new LambdaFunction(this, "Function", {
      functionName: functionName(stage, name),
      description: `Cairn ${name}: ${spec.why}`.slice(0, 256),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle),
      handler: "index.handler",
      timeout: Duration.seconds(spec.timeoutSeconds),
      memorySize: spec.memoryMb,
      ...(stage.reserveConcurrency && spec.concurrency
        ? { reservedConcurrentExecutions: spec.concurrency.atMost }
        : {}),
      role,
      logGroup,
      tracing: Tracing.ACTIVE,
      environment: { ...environment(spec, stage, store), ...variables },
    });
  }
}

function environment(spec: FunctionSpec, stage: Stage, store: Store): { [name: string]: string } {
  return {
    NODE_OPTIONS: "--enable-source-maps",
    CAIRN_STAGE: stage.name,
    CAIRN_STORE_ARN: store.cluster.clusterArn,
    CAIRN_STORE_DATABASE: store.database,
    CAIRN_MACHINE_ARN_PREFIX: machineArnPrefix(stage),
    CAIRN_LEASE_SECONDS: "60",
    CAIRN_SWEEP_SECONDS: String(stage.schedules.sweepMinutes * 60),
    CAIRN_DRIFT_INTERVAL_SECONDS: String(stage.driftIntervalSeconds),
    ...Object.fromEntries(
      spec.storeRoles.map((role) => [`CAIRN_STORE_SECRET_${role.toUpperCase()}`, store.secrets[role].secretArn]),
    ),
  };
}
