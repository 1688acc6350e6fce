import { Duration } from "aws-cdk-lib";
import { type IRuleTarget, Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction, SfnStateMachine } from "aws-cdk-lib/aws-events-targets";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { type MachineName, type ScheduleSpec, schedules } from "../../functions/manifest.ts";
import type { Handlers } from "../cairn-options.ts";

export type SchedulesOptions = { handlers: Handlers; machines: { readonly [name in MachineName]: StateMachine } };

/** The rules that start what nobody asks for. What EventBridge could not deliver is kept for two weeks. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { handlers, machines }: SchedulesOptions) {
    super(scope, id);
    const deadLetterQueue = new Queue(this, "DeadLetters", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    for (const [name, { rateMinutes, target, why }] of Object.entries(schedules)) {
      // A run that is later than its successor has nothing left to do.
      const delivery = { deadLetterQueue, retryAttempts: 3, maxEventAge: Duration.minutes(Math.max(rateMinutes, 1)) };
      new Rule(this, name, {
        description: `Cairn ${name}: ${why}`.slice(0, 512),
        schedule: Schedule.rate(Duration.minutes(rateMinutes)),
        targets: [ruleTarget(target)],
      });

      function ruleTarget(target: ScheduleSpec["target"]): IRuleTarget {
        return "function" in target
          ? new LambdaFunction(handlers[target.function], delivery)
          : new SfnStateMachine(machines[target.machine], delivery);
      }
    }
  }
}
