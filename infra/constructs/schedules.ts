import { Duration } from "aws-cdk-lib";
import { type IRuleTarget, Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction, SfnStateMachine } from "aws-cdk-lib/aws-events-targets";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { type MachineName, type ScheduleSpec, schedules } from "../../functions/manifest.ts";
import { acknowledge } from "../acknowledge.ts";
import type { Handlers } from "../cairn-options.ts";
import type { Stage } from "../stages/stage.ts";

export type SchedulesOptions = {
  stage: Stage;
  handlers: Handlers;
  machines: { readonly [name in MachineName]: StateMachine };
};

/** The rules that start what nobody asks for. What EventBridge could not deliver is kept for two weeks. */
export class Schedules extends Construct {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { stage, handlers, machines }: SchedulesOptions) {
    super(scope, id);
    this.deadLetters = new Queue(this, "DeadLetters", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this.deadLetters, { SQS3: "it is a dead-letter queue: rules deliver here what they could not" });
    const deadLetterQueue = this.deadLetters;
    // The stage says how often it pays for these, and what a sleeping store allows; the rest is the manifest's.
    const { sweepMinutes, driftMinutes } = stage.schedules;
    const minutes: { [name: string]: number } = { sweep: sweepMinutes, measure: sweepMinutes, drift: driftMinutes };
    for (const [name, { target, why, ...spec }] of Object.entries(schedules)) {
      const rateMinutes = minutes[name] ?? spec.rateMinutes;
      // A run that is later than its successor has nothing left to do.
      const delivery = { deadLetterQueue, retryAttempts: 3, maxEventAge: Duration.minutes(rateMinutes) };
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
