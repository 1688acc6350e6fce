import { Aws } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import { mapValues } from "../map-values.ts";
import type { Stage } from "../stages/stage.ts";
import type { AlarmName, AlarmSpec } from "./alarm-specs.ts";

export type AlarmsOptions = { stage: Stage; specs: { readonly [name in AlarmName]: AlarmSpec } };

/** An alarm for each thing that is watched. It says where its page is, and tells the stage's addresses, also when it is over. */
export class Alarms extends Construct {
  readonly alarms: { readonly [name in AlarmName]: Alarm };

  constructor(scope: Construct, id: string, { stage, specs }: AlarmsOptions) {
    super(scope, id);
    const topic = new Topic(this, "Topic", { topicName: `cairn-${stage.name}-alarms`, enforceSSL: true });
    // A policy that refuses what comes unencrypted takes the place of the default one, which would let CloudWatch in.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    );
    for (const address of stage.alarmAddresses) topic.addSubscription(new EmailSubscription(address));

    const tell = new SnsAction(topic);
    this.alarms = mapValues(specs, ({ what, metric, threshold, periods, atMost = false, silence = false }, name) => {
      const alarm = new Alarm(this, name, {
        alarmName: `cairn-${stage.name}-${name}`,
        alarmDescription: `${what} What to do: ${stage.runbook}#alarm-${name}`,
        metric,
        threshold,
        evaluationPeriods: periods,
        comparisonOperator: atMost
          ? ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: silence ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(tell);
      alarm.addOkAction(tell);
      return alarm;
    });
  }
}
