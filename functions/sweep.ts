import { z } from "zod";
import { sweep } from "../control/sweep.ts";
import { log } from "./log.ts";
import { executions, pace, workerStore } from "./runtime.ts";
import { task } from "./task.ts";

const deps = { store: workerStore(), executions: executions(), pace: pace() };

export const handler = task("sweep", z.unknown(), async () => {
  const swept = await sweep(deps);
  if (swept.due > 0) log("info", "swept", swept);
  return swept;
});
