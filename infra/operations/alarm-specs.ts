import { Duration } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { type IMetric, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import type { MachineName } from "../../functions/manifest.ts";
import type { Handlers } from "../cairn-options.ts";
import { storeCluster } from "../fixed-names.ts";
import type { Stage } from "../stages/stage.ts";

/** What is watched. Each has a page of its name in docs/runbook.md: what to look at, and what to do. */
export type AlarmName =
  | "api-errors"
  | "machine-api-errors"
  | "api-latency"
  | "failed-resources"
  | "stuck-resources"
  | "oldest-pending"
  | "breaker-open"
  | "drift-age"
  | "no-measurements"
  | "sweep-fails"
  | "housekeeping-fails"
  | "rotation-fails"
  | "executions-fail"
  | "dead-letters"
  | "store-capacity"
  | "api-throttles"
  | "execution-throttles";

export type AlarmSpec = {
  /** What it means for people, in a sentence. */
  what: string;
  metric: IMetric;
  /** It rings at this and above, or, `atMost`, at this and below. */
  threshold: number;
  atMost?: boolean;
  /** In how many periods on end. */
  periods: number;
  /** Silence rings too. */
  silence?: boolean;
};

export type Watched = {
  stage: Stage;
  api: HttpApi;
  machineApi: HttpApi;
  handlers: Handlers;
  machines: { readonly [name in MachineName]: StateMachine };
  deadLetters: Queue;
};

export function alarmSpecs(watched: Watched): { readonly [name in AlarmName]: AlarmSpec } {
  const { stage, api, machineApi, handlers, machines, deadLetters } = watched;
  const five = { period: Duration.minutes(5) };
  const sum = { ...five, statistic: Stats.SUM };
  return {
    "api-errors": {
      what: "People get 5xx from the API.",
      metric: api.metricServerError(sum),
      threshold: 5,
      periods: 1,
    },
    "machine-api-errors": {
      what: "Machines get 5xx from the API.",
      metric: machineApi.metricServerError(sum),
      threshold: 5,
      periods: 1,
    },
    "api-latency": {
      what: "One request in a hundred takes more than 3 s.",
      metric: api.metricLatency({ ...five, statistic: Stats.percentile(99) }),
      threshold: 3000,
      periods: 3,
    },
    "failed-resources": {
      what: "More resources are FAILED than developers' own mistakes explain.",
      metric: gauge(stage, "FailedResources"),
      threshold: 20,
      periods: 3,
    },
    "stuck-resources": {
      what: "A resource is on its way and nobody will go on with it: law I3 is broken.",
      metric: gauge(stage, "StuckResources"),
      threshold: 1,
      periods: 3,
    },
    "oldest-pending": {
      what: "Something accepted an hour ago is neither done nor failed.",
      metric: gauge(stage, "OldestPendingSeconds"),
      threshold: 3600,
      periods: 1,
    },
    "breaker-open": {
      what: "A provider's service does not answer, or somebody keeps Cairn away from it: intents wait.",
      metric: gauge(stage, "OpenBreakers"),
      threshold: 1,
      periods: 5,
    },
    "drift-age": {
      what: "Somebody's change by hand has stood for three days.",
      metric: gauge(stage, "OldestDriftSeconds"),
      threshold: 3 * 86_400,
      periods: 1,
    },
    "no-measurements": {
      what: "Nothing has been measured: the rules, the functions or the store stand still, and other alarms are blind.",
      metric: gauge(stage, "OldestPendingSeconds", Stats.SAMPLE_COUNT),
      threshold: 0,
      atMost: true,
      periods: 3,
      silence: true,
    },
    "sweep-fails": {
      what: "The sweep fails: what lost its execution stays where it is.",
      metric: handlers.sweep.metricErrors(sum),
      threshold: 3,
      periods: 1,
    },
    "housekeeping-fails": {
      what: "Partitions are not made or dropped; there are two months in stock.",
      metric: handlers.housekeeping.metricErrors({ period: Duration.days(1), statistic: Stats.SUM }),
      threshold: 1,
      periods: 1,
    },
    "rotation-fails": {
      what: "A database role's secret does not get its new login; the one it has stays good.",
      metric: handlers["rotate-secret"].metricErrors({ period: Duration.hours(1), statistic: Stats.SUM }),
      threshold: 3,
      periods: 1,
    },
    "executions-fail": {
      what: "Executions of the reconcile loop end in an error; the sweep takes over what they left.",
      metric: machines.reconcile.metricFailed(sum),
      threshold: 10,
      periods: 3,
    },
    "dead-letters": {
      what: "A rule could not start what it should.",
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({ ...five, statistic: Stats.MAXIMUM }),
      threshold: 1,
      periods: 1,
    },
    "store-capacity": {
      what: "The store has been at nine tenths of its largest size for a quarter of an hour.",
      metric: new Metric({
        namespace: "AWS/RDS",
        metricName: "ACUUtilization",
        dimensionsMap: { DBClusterIdentifier: storeCluster(stage) },
        ...five,
        statistic: Stats.AVERAGE,
      }),
      threshold: 90,
      periods: 3,
    },
    "api-throttles": {
      what: "Lambda turns the API's requests away: its part of the account's concurrency is used up.",
      metric: handlers.api.metricThrottles(sum),
      threshold: 1,
      periods: 2,
    },
    "execution-throttles": {
      what: "Step Functions slows state transitions down: the account's quota is used up.",
      metric: machines.reconcile.metricThrottled(sum),
      threshold: 1,
      periods: 3,
    },
  };
}

/** What `functions/measure.ts` writes at each of its runs, which is once in the sweep's period. */
function gauge(stage: Stage, metricName: string, statistic: string = Stats.MAXIMUM): Metric {
  return new Metric({
    namespace: "Cairn",
    metricName,
    dimensionsMap: { Stage: stage.name },
    period: Duration.minutes(stage.schedules.sweepMinutes),
    statistic,
  });
}
