import { z } from "zod";
import { log } from "./log.ts";
import { driftIntervalSeconds, driftStore } from "./runtime.ts";
import { task } from "./task.ts";

const store = driftStore();
const passSeconds = driftIntervalSeconds();

export const handler = task("report-drift", z.object({ run: z.uuid() }), async ({ run }) => {
  const counts = await store.closeDrift(run, passSeconds);
  log("info", "drift report", { run, ...counts });
  return { run, ...counts };
});
