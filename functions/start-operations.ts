import { z } from "zod";
import { startOperations } from "../control/start-operations.ts";
import { executions } from "./runtime.ts";
import { operationRef, task } from "./task.ts";

const starts = executions();
const input = z.object({ startable: z.array(operationRef) });

export const handler = task("start-operations", input, async ({ startable }) => ({
  started: await startOperations(starts, startable),
}));
