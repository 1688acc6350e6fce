import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { sweep } from "../control/sweep.ts";
import { log } from "./log.ts";
import { executions, pace, workerStore } from "./runtime.ts";
import { task } from "./task.ts";

const paces = pace();
const deps = {
  store: workerStore(),
  executions: executions(),
  pace: paces,
  // A lease is as long as the rule's period: three quarters of it, and what the rounds themselves take, end before the next run begins.
  patience: { seconds: paces.leaseSeconds * 0.75, sleep: (seconds: number) => sleep(seconds * 1000) },
};

export const handler = task("sweep", z.unknown(), async () => {
  const swept = await sweep(deps);
  if (swept.due > 0) log("info", "swept", swept);
  return swept;
});
