import { z } from "zod";
import { applyResource } from "../control/apply-resource.ts";
import { pace, providers, workerStore } from "./runtime.ts";
import { operationRef, task } from "./task.ts";

const deps = { store: workerStore(), providers: providers("change"), pace: pace(), random: Math.random };
const input = operationRef.extend({
  step: z.object({ identifier: z.string().nullable(), sentHash: z.string(), beyond: z.int().min(0).optional() }),
});

export const handler = task("apply-resource", input, ({ step, ...ref }) => applyResource(deps, ref, step));
