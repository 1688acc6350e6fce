import { Aws } from "aws-cdk-lib";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { CfnRotationSchedule } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { functions } from "../../functions/manifest.ts";
import type { Stage } from "../stages/stage.ts";
import type { Store } from "./store.ts";

export type RotationsOptions = { handler: LambdaFunction; stage: Stage; store: Store; after: Construct };

/**
 * Gives each of the store's secrets a new login every so many days. CDK's own schedule would grant its function more than
 * functions/manifest.ts says, so this is CloudFormation's.
 */
export class Rotations extends Construct {
  constructor(scope: Construct, id: string, { handler, stage, store, after }: RotationsOptions) {
    super(scope, id);
    handler.addPermission("SecretsManager", {
      principal: new ServicePrincipal("secretsmanager.amazonaws.com"),
      sourceAccount: Aws.ACCOUNT_ID,
    });
    for (const role of functions["rotate-secret"].rotates ?? []) {
      const schedule = new CfnRotationSchedule(this, role, {
        secretId: store.secrets[role].secretArn,
        rotationLambdaArn: handler.functionArn,
        rotationRules: { automaticallyAfterDays: stage.rotationDays },
        // A deployment changes no password; it has Secrets Manager try the function.
        rotateImmediatelyOnUpdate: false,
      });
      // Its function may be called, and the roles that it tries are there.
      schedule.node.addDependency(handler, after);
    }
  }
}
