import { Aws, Duration, RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { FunctionName, FunctionSpec } from "../../functions/manifest.ts";
import { machineArn, machineArnPrefix } from "../machine-names.ts";
import type { Stage } from "../stages/stage.ts";
import type { Store } from "./store.ts";

export type ControlFunctionOptions = {
  name: FunctionName;
  spec: FunctionSpec;
  stage: Stage;
  store: Store;
  /** Folder with `index.mjs` and the data it reads. */
  bundle: string;
};

/** The statements of the Data API that Cairn makes; a batch is not among them. */
const dataApi = ["ExecuteStatement", "BeginTransaction", "CommitTransaction", "RollbackTransaction"];

/** A Lambda function with a role of its own that allows what the manifest names and nothing else. */
export class ControlFunction extends Construct {
  readonly handler: LambdaFunction;

  constructor(scope: Construct, id: string, { name, spec, stage, store, bundle }: ControlFunctionOptions) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Logs", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);
    for (const statement of statements(spec, stage, store)) role.addToPolicy(statement);

    this.handler = new LambdaFunction(this, "Function", {
      description: `Cairn ${name}: ${spec.why}`.slice(0, 256),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle),
      handler: "index.handler",
      timeout: Duration.seconds(spec.timeoutSeconds),
      memorySize: spec.memoryMb,
      role,
      logGroup,
      environment: environment(spec, stage, store),
    });
  }
}

function environment(spec: FunctionSpec, stage: Stage, store: Store): { [name: string]: string } {
  return {
    NODE_OPTIONS: "--enable-source-maps",
    CAIRN_ASSETS: "/var/task",
    CAIRN_STORE_ARN: store.cluster.clusterArn,
    CAIRN_STORE_DATABASE: store.database,
    CAIRN_MACHINE_ARN_PREFIX: machineArnPrefix(stage),
    CAIRN_LEASE_SECONDS: "60",
    CAIRN_DRIFT_INTERVAL_SECONDS: String(stage.driftIntervalSeconds),
    ...Object.fromEntries(
      spec.storeRoles.map((role) => [`CAIRN_STORE_SECRET_${role.toUpperCase()}`, store.secrets[role].secretArn]),
    ),
  };
}

function statements(spec: FunctionSpec, stage: Stage, store: Store): PolicyStatement[] {
  const allowed: PolicyStatement[] = [];
  if (spec.storeRoles.length > 0) {
    allowed.push(
      new PolicyStatement({
        actions: dataApi.map((call) => `rds-data:${call}`),
        resources: [store.cluster.clusterArn],
      }),
      new PolicyStatement({
        actions: ["secretsmanager:GetSecretValue"],
        resources: spec.storeRoles.map((role) => store.secrets[role].secretArn),
      }),
    );
  }
  if (spec.starts.length > 0) {
    allowed.push(
      new PolicyStatement({
        actions: ["states:StartExecution"],
        resources: spec.starts.map((machine) => machineArn(stage, machine)),
      }),
    );
  }
  if (spec.providers !== "none") {
    // What may be done to a cloud is the target's role to say, in the target's own account.
    const accounts = stage.targetAccounts.length > 0 ? stage.targetAccounts : [Aws.ACCOUNT_ID];
    allowed.push(
      new PolicyStatement({
        actions: ["sts:AssumeRole"],
        resources: accounts.map((account) => `arn:${Aws.PARTITION}:iam::${account}:role/cairn-${stage.name}-target-*`),
      }),
    );
  }
  return allowed;
}
