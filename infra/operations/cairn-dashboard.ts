import { Duration } from "aws-cdk-lib";
import {
  type Alarm,
  AlarmStatusWidget,
  AlarmWidget,
  Dashboard,
  GraphWidget,
  type IWidget,
  Metric,
  PeriodOverride,
  Stats,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { AlarmName, Watched } from "./alarm-specs.ts";

export type CairnDashboardOptions = Watched & { alarms: { readonly [name in AlarmName]: Alarm } };

/** One page: what rings, then what goes in and out, then each alarm's own line with where it rings. */
export class CairnDashboard extends Construct {
  constructor(scope: Construct, id: string, { stage, api, machineApi, machines, alarms }: CairnDashboardOptions) {
    super(scope, id);
    const five = { period: Duration.minutes(5), statistic: Stats.SUM };
    const provider = (metricName: string) =>
      new Metric({ namespace: "Cairn", metricName, dimensionsMap: { Stage: stage.name }, ...five });
    const dashboard = new Dashboard(this, "Dashboard", {
      dashboardName: `cairn-${stage.name}`,
      defaultInterval: Duration.hours(12),
      periodOverride: PeriodOverride.INHERIT,
    });
    dashboard.addWidgets(
      new TextWidget({ width: 24, height: 1, markdown: `Cairn ${stage.name}. What to do: ${stage.runbook}` }),
      new AlarmStatusWidget({ width: 24, height: 3, alarms: Object.values(alarms) }),
    );
    dashboard.addWidgets(
      graph("Requests", [api.metricCount(five), machineApi.metricCount({ ...five, label: "Machines" })]),
      graph("Executions", [machines.reconcile.metricStarted(five), machines.reconcile.metricSucceeded(five)]),
      graph("Provider calls", ["ProviderCalls", "ProviderThrottles", "ProviderFailures"].map(provider)),
    );
    for (const row of rowsOfThree(Object.entries(alarms))) {
      dashboard.addWidgets(...row.map(([title, alarm]): IWidget => new AlarmWidget({ title, alarm, width: 8 })));
    }
  }
}

function graph(title: string, left: Metric[]): IWidget {
  return new GraphWidget({ title, left, width: 8 });
}

function rowsOfThree<Item>(items: Item[]): Item[][] {
  return items.flatMap((_, index) => (index % 3 === 0 ? [items.slice(index, index + 3)] : []));
}
