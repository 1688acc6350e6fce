import { type FunctionName, functions } from "../../functions/manifest.ts";
import type { Stage } from "../../infra/stages/stage.ts";
import { type Counts, counts, driftBatchSize } from "./counts.ts";
import { type Item, prices } from "./prices.ts";

/** Who uses a deployment, and how much. */
export type Fleet = {
  name: string;
  developers: number;
  resources: number;
  changesADay: number;
  readsADay: number;
  /** How often each resource is looked at, in place of the stage's own. */
  driftIntervalSeconds: number;
  /** Mean of the store's capacity over the month, writer and standby together, in Aurora capacity units. */
  capacity: number;
  storageGb: number;
};

/** What a deployment has whether or not anybody uses it, counted in the synthesized app. */
export type Fixed = { secrets: number; keys: number; alarms: number; dashboards: number; metrics: number };

export type Line = { what: string; amount: number; unit: string; dollars: number };

const daysAMonth = 30.4;
/** Of a change: its log lines in all functions, its execution's, and API Gateway's. Of a read: one of each. */
const logBytes = { change: 12_000, read: 1_200, run: 800 };
/** Storage I/Os of a Data API call: most pages are in memory, and a commit is one. */
const iosEach = 2;

export function bill(fleet: Fleet, stage: Stage, fixed: Fixed): Line[] {
  const work = workOfAMonth(fleet, stage);
  const sum = (of: (each: Counts) => number) =>
    (Object.keys(counts) as (keyof typeof counts)[]).reduce((total, kind) => total + work[kind] * of(counts[kind]), 0);
  const invocations = sum(({ milliseconds }) => Object.keys(milliseconds).length);
  const gbSeconds = sum(({ milliseconds }) =>
    Object.entries(milliseconds).reduce((total, [name, each]) => total + (each / 1000) * gb(name as FunctionName), 0),
  );
  const requests = work.read + work.intent;
  const dataApi = sum((each) => each.dataApi);
  const logged =
    work.change * logBytes.change +
    requests * logBytes.read +
    (work.sweep + work.measure + work.driftBatch) * logBytes.run;

  return [
    line("Aurora capacity", "auroraCapacityHour", fleet.capacity * 24 * daysAMonth, "ACU hours"),
    line("Aurora storage", "auroraStorageGb", fleet.storageGb, "GB"),
    // What changes within the retention, taken for once the size of the store.
    line("Aurora backups", "auroraBackupGb", fleet.storageGb, "GB"),
    line("Aurora I/O", "auroraIo", dataApi * iosEach, "I/Os"),
    line("Data API", "dataApiRequest", dataApi, "calls"),
    line(
      "Step Functions",
      "stateTransition",
      sum((each) => each.transitions),
      "transitions",
    ),
    line("Lambda requests", "lambdaRequest", invocations, "invocations"),
    line("Lambda time", "lambdaGbSecond", gbSeconds, "GB seconds"),
    line("API Gateway", "httpRequest", requests, "requests"),
    line("X-Ray", "trace", (work.change + requests) * traced, "traces"),
    line("CloudWatch logs", "logGb", logged / 1e9, "GB"),
    line("CloudWatch metrics", "metric", fixed.metrics, "metrics"),
    line("CloudWatch alarms", "alarm", fixed.alarms, "alarms"),
    line("CloudWatch dashboards", "dashboard", fixed.dashboards, "dashboards"),
    line("Secrets Manager", "secret", fixed.secrets, "secrets"),
    line("KMS", "key", fixed.keys, "keys"),
  ];
}

/** Of all requests, as X-Ray samples them by default: one a second and one in twenty of the rest. */
const traced = 0.05;

function workOfAMonth(fleet: Fleet, { schedules }: Stage): { [kind in keyof typeof counts]: number } {
  const looksADay = (fleet.resources * 86_400) / fleet.driftIntervalSeconds;
  const aDay = {
    read: fleet.readsADay,
    intent: fleet.changesADay,
    change: fleet.changesADay,
    driftBatch: looksADay / driftBatchSize,
    sweep: 1440 / schedules.sweepMinutes,
    measure: 1440 / schedules.sweepMinutes,
    driftRun: 1440 / schedules.driftMinutes,
    housekeeping: 1,
  };
  return Object.fromEntries(Object.entries(aDay).map(([kind, each]) => [kind, each * daysAMonth])) as typeof aDay;
}

function gb(name: FunctionName): number {
  return functions[name].memoryMb / 1024;
}

function line(what: string, item: Item, amount: number, unit: string): Line {
  return { what, amount, unit, dollars: (amount / prices[item].per) * prices[item].dollars };
}
