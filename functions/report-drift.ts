import { z } from "zod";
import { log } from "./log.ts";
import { driftStore } from "./runtime.ts";
import { task } from "./task.ts";

const store = driftStore();

export const handler = task("report-drift", z.object({ run: z.uuid() }), async ({ run }) => {
  const counts = await store.closeDrift(run);
  log("info", "drift report", { run, ...counts });
  return { run, ...counts };
});
