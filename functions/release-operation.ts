import { z } from "zod";
import { releaseOperation } from "../control/release-operation.ts";
import { pace, workerStore } from "./runtime.ts";
import { operationRef, task } from "./task.ts";

const deps = { store: workerStore(), pace: pace(), random: Math.random };
const input = operationRef.extend({ error: z.string() });

export const handler = task("release-operation", input, ({ error, ...ref }) => releaseOperation(deps, ref, error));
