import { z } from "zod";
import { readGauges } from "../database/gauges.ts";
import { log } from "./log.ts";
import { measurement } from "./metrics.ts";
import { stage, storeDatabase, sweepSeconds } from "./runtime.ts";
import { task } from "./task.ts";

const database = storeDatabase("worker");
const named = stage();
const period = sweepSeconds();

export const handler = task("measure", z.unknown(), async () => {
  const gauges = await readGauges(database, period);
  const measured = measurement(named, {
    FailedResources: [gauges.failedResources, "Count"],
    StuckResources: [gauges.stuckResources, "Count"],
    OldestPendingSeconds: [gauges.oldestPendingSeconds, "Seconds"],
    OpenBreakers: [gauges.openBreakers, "Count"],
    OldestDriftSeconds: [gauges.oldestDriftSeconds, "Seconds"],
  });
  log("info", "measured", measured);
  return gauges;
});
