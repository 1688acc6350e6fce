import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import { driftIntervalSeconds, driftStore } from "./runtime.ts";
import { task } from "./task.ts";

const store = driftStore();
const intervalSeconds = driftIntervalSeconds();
/** 25 looks of 20 s at five a time fit the observing function's five minutes with room to spare. */
const batch = 25;

export const handler = task("claim-drift", z.object({ run: z.uuid().default(() => uuidv7()) }), async ({ run }) => ({
  run,
  batch: await store.claimDrift(run, { batch, intervalSeconds }),
}));
