import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { observeDrift } from "../control/observe-drift.ts";
import { driftStore, pace, providers } from "./runtime.ts";
import { task } from "./task.ts";

const deps = {
  store: driftStore(),
  providers: providers("look"),
  parallel: 5,
  providerSeconds: Math.min(20, pace().providerSeconds),
  sleep: (seconds: number) => sleep(seconds * 1000),
};
const input = z.object({ run: z.uuid(), batch: z.array(z.object({ team: z.string(), id: z.uuid() })) });

export const handler = task("observe-drift", input, ({ run, batch }) => observeDrift(deps, run, batch));
