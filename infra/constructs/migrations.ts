import { Duration } from "aws-cdk-lib";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Trigger } from "aws-cdk-lib/triggers";
import { Construct } from "constructs";

/**
 * Runs the migrations and the routines inside the deployment, whenever they changed, before any other function gets its new code. A
 * migration that fails fails the deployment, and the old code goes on serving.
 */
export class Migrations extends Construct {
  constructor(scope: Construct, id: string, options: { handler: LambdaFunction; before: Construct[] }) {
    super(scope, id);
    new Trigger(this, "Run", {
      handler: options.handler,
      timeout: options.handler.timeout ?? Duration.minutes(5),
      executeBefore: options.before,
    });
  }
}
