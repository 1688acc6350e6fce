import { randomUUID } from "node:crypto";
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IntentView } from "../../core/intent.ts";
import { intentEnd, ledgerOf, putSim, startTestMachine, type TestMachine } from "../support/machine.ts";

let machine: TestMachine;
let states: SFNClient;
beforeAll(async () => {
  machine = await startTestMachine();
  states = new SFNClient({
    endpoint: machine.endpoints.states,
    region: machine.endpoints.region,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    disableHostPrefix: true,
  });
});
afterAll(async () => {
  states?.destroy();
  await machine?.close();
});

const stateMachineArn = "arn:aws:states:eu-central-1:000000000000:stateMachine:cairn-reconcile";
const running = async () =>
  (await states.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: "RUNNING" }))).executions ?? [];

/** docs/runbook.md promises this to who stops an execution by hand. */
test("a stopped execution is taken over under the next epoch, and what it asked for is made once", async () => {
  await putSim(machine.endpoints, "settings", { provisionSeconds: 5, requestsPerSecond: 1000, burst: 1000 });
  const document = {
    action: "apply",
    team: "payments",
    service: "orders",
    environment: "staging",
    resources: { files: { type: "bucket" } },
  };
  const { body } = await machine.developer<IntentView>("POST", "/v1/intents", document, {
    "idempotency-key": randomUUID(),
  });
  // Asked for, and not there yet.
  await expect.poll(async () => (await ledgerOf(machine.endpoints)).length, { timeout: 30_000 }).toBe(1);
  const [execution, ...others] = await running();
  expect(others).toEqual([]);
  const { executionArn = "", name = "" } = execution ?? {};
  await states.send(new StopExecutionCommand({ executionArn, error: "Stopped", cause: "by hand" }));

  expect((await intentEnd(machine.developer, body.id, 90)).status).toBe("READY");
  const [operation, epoch] = [name.slice(0, -2), Number(name.slice(-1))];
  const overtaker = executionArn.replace(name, `${operation}-${epoch + 1}`);
  await expect
    .poll(async () => (await states.send(new DescribeExecutionCommand({ executionArn: overtaker }))).status)
    .toBe("SUCCEEDED");
  expect(await states.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
    status: "ABORTED",
    error: "Stopped",
    cause: "by hand",
  });
  expect(await ledgerOf(machine.endpoints)).toHaveLength(1);
}, 180_000);
