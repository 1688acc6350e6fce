import { claimOperation } from "../control/claim-operation.ts";
import { pace, workerStore } from "./runtime.ts";
import { ExpectedEnd, operationRef, task } from "./task.ts";

const deps = { store: workerStore(), pace: pace() };

/** Ends the execution: another one has the operation, or it waits for something that will start it. Caught by name. */
export class OperationLost extends ExpectedEnd {
  override readonly name = "OperationLost";
}

export const handler = task("claim-operation", operationRef, async (ref) => {
  const { next } = await claimOperation(deps, ref);
  if (next === "end") throw new OperationLost("Nothing to do for this execution.");
  return { next };
});
