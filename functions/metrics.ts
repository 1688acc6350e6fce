export type Measured = { [metric: string]: [value: number, unit: "Count" | "Seconds" | "Milliseconds"] };

/**
 * Fields that make a log line a measurement as well: CloudWatch's embedded metric format, so that measuring costs no call and
 * no library. One dimension, because each value of another would be a metric of its own to pay for.
 */
export function measurement(stage: string, measured: Measured): { [name: string]: unknown } {
  const Metrics = Object.entries(measured).map(([Name, [, Unit]]) => ({ Name, Unit }));
  const values = Object.fromEntries(Object.entries(measured).map(([name, [value]]) => [name, value]));
  return {
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace: "Cairn", Dimensions: [["Stage"]], Metrics }] },
    Stage: stage,
    ...values,
  };
}
