import { abandonResource } from "../../control/abandon-resource.ts";
import { acceptIntent } from "../../control/accept-intent.ts";
import { applyResource } from "../../control/apply-resource.ts";
import { claimOperation } from "../../control/claim-operation.ts";
import { observeDrift } from "../../control/observe-drift.ts";
import { observeResource } from "../../control/observe-resource.ts";
import { paceOf } from "../../control/pace.ts";
import { releaseOperation } from "../../control/release-operation.ts";
import { retryResource } from "../../control/retry-resource.ts";
import { startOperations } from "../../control/start-operations.ts";
import { sweep } from "../../control/sweep.ts";
import { verifyResource } from "../../control/verify-resource.ts";
import type { OperationRef } from "../../core/operation.ts";
import type { FunctionName } from "../../functions/manifest.ts";
import type { Ports } from "./ports.ts";

/** The use cases; a planted bug wraps one of them. */
export const useCases = {
  abandonResource,
  acceptIntent,
  applyResource,
  claimOperation,
  observeDrift,
  observeResource,
  releaseOperation,
  retryResource,
  startOperations,
  sweep,
  verifyResource,
};
export type UseCases = typeof useCases;

export const leaseSeconds = 60;
export const pace = paceOf(leaseSeconds);
const driftIntervalSeconds = 1800;

export class OperationLost extends Error {
  override readonly name = "OperationLost";
}

type Input = { [member: string]: unknown };
type Task = (ports: Ports, input: Input, use: UseCases) => Promise<unknown>;

/**
 * What `functions/*.ts` do with a task's input, one entry each; those files themselves read an environment and make SDK
 * clients when they are loaded, which is what the end-to-end tests are for.
 */
export const tasks: { readonly [name in FunctionName]?: Task } = {
  "claim-operation": async (ports, input, use) => {
    const { next } = await use.claimOperation({ store: ports.worker, pace }, refOf(input));
    if (next === "end") throw new OperationLost("Nothing to do for this execution.");
    return { next };
  },
  "observe-resource": (ports, input, use) => use.observeResource(reconcile(ports), refOf(input)),
  "apply-resource": (ports, input, use) =>
    use.applyResource(reconcile(ports), refOf(input), input.step as Parameters<typeof applyResource>[2]),
  "release-operation": (ports, input, use) =>
    use.releaseOperation({ store: ports.worker, pace, random: ports.random }, refOf(input), String(input.error)),
  "start-operations": async (ports, input, use) => ({
    started: await use.startOperations(ports.executions, input.startable as OperationRef[]),
  }),
  sweep: ({ worker, executions, sleep }, _input, use) =>
    use.sweep({ store: worker, executions, pace, patience: { seconds: leaseSeconds * 0.75, sleep } }),
  "claim-drift": async (ports, input) => {
    const run = typeof input.run === "string" ? input.run : ports.newId();
    return { run, batch: await ports.drift.claimDrift(run, { batch: 25, intervalSeconds: driftIntervalSeconds }) };
  },
  "observe-drift": (ports, { run, batch }, use) =>
    use.observeDrift(
      { store: ports.drift, providers: ports.providers, parallel: 5, providerSeconds: 20, sleep: ports.sleep },
      String(run),
      batch as { team: string; id: string }[],
    ),
  "report-drift": async (ports, { run }) => ({
    run,
    ...(await ports.drift.closeDrift(String(run), driftIntervalSeconds)),
  }),
};

function reconcile({ worker, providers, random }: Ports) {
  return { store: worker, providers, pace, random };
}

function refOf({ team, operation, epoch }: Input): OperationRef {
  return { team: String(team), operation: String(operation), epoch: Number(epoch) };
}
