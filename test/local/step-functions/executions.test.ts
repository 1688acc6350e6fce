import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLambda } from "../../../local/lambda/lambda.ts";
import { startStepFunctions } from "../../../local/step-functions/step-functions.ts";
import { functions } from "../lambda/functions.ts";
import {
  accountId,
  named,
  oneTask,
  openStage,
  region,
  remove,
  type Stage,
  type StageFunction,
  temporaryDirectory,
} from "./stage.ts";

const quick = { IntervalSeconds: 0.01, BackoffRate: 1, MaxAttempts: 2 };
const caught = { Caught: { Type: "Pass", End: true } };
const always = (error: Error) => () => {
  throw error;
};

let active = 0;
let peak = 0;
const stageFunctions: { [name: string]: StageFunction } = {
  echo: (event) => event,
  flaky: (_event, calls) => {
    if (calls < 2) throw named("Throttled");
    return { after: calls };
  },
  "times-out": always(named("Sandbox.Timedout", "RequestId: r Error: Task timed out after 1.00 seconds")),
  "throws-throttled": always(named("Throttled")),
  "throws-other": always(named("Other", "for another reason")),
  large: () => "x".repeat(262_144),
  half: () => "x".repeat(140_000),
  forever: () => new Promise(() => {}),
  slow: async () => {
    active += 1;
    peak = Math.max(peak, active);
    await new Promise((resolve) => setTimeout(resolve, 300));
    active -= 1;
    return "slow";
  },
};

const machines: { [name: string]: object } = {
  retries: oneTask("flaky", { Retry: [{ ErrorEquals: ["Throttled"], ...quick }] }),
  "gives-up": oneTask("throws-throttled", { Retry: [{ ErrorEquals: ["Throttled"], ...quick }] }),
  "not-retried": oneTask("throws-other", { Retry: [{ ErrorEquals: ["Throttled"], ...quick }] }),
  catches: oneTask(
    "throws-other",
    { Catch: [{ ErrorEquals: ["Other"], Next: "Caught", ResultPath: "$.failure" }] },
    caught,
  ),
  "timeout-by-name": oneTask("times-out", { Catch: [{ ErrorEquals: ["Sandbox.Timedout"], Next: "Caught" }] }, caught),
  "timeout-is-not-states-timeout": oneTask(
    "times-out",
    { Catch: [{ ErrorEquals: ["States.Timeout"], Next: "Caught" }] },
    caught,
  ),
  "task-failed-matches": oneTask(
    "times-out",
    { Catch: [{ ErrorEquals: ["States.TaskFailed"], Next: "Caught" }] },
    caught,
  ),
  "no-function": oneTask(
    "nobody",
    { Catch: [{ ErrorEquals: ["Lambda.ResourceNotFoundException"], Next: "Caught" }] },
    caught,
  ),
  "task-timeout": oneTask("forever", { TimeoutSeconds: 1 }),
  "machine-timeout": { ...oneTask("forever"), TimeoutSeconds: 1 },
  large: oneTask("large", { Catch: [{ ErrorEquals: ["States.ALL"], Next: "Caught" }] }, caught),
  grows: {
    StartAt: "One",
    States: {
      One: { Type: "Task", Resource: "${half}", ResultPath: "$.one", Next: "Two" },
      Two: { Type: "Task", Resource: "${half}", ResultPath: "$.two", Next: "Three" },
      Three: { Type: "Task", Resource: "${echo}", End: true },
    },
  },
  fails: { StartAt: "F", States: { F: { Type: "Fail", Error: "Nope", Cause: "because" } } },
  "fails-silently": { StartAt: "F", States: { F: { Type: "Fail" } } },
  context: oneTask("echo", {
    Parameters: { "id.$": "$$.Execution.Id", "name.$": "$$.Execution.Name", "machine.$": "$$.StateMachine.Id" },
  }),
  endless: {
    StartAt: "A",
    States: { A: { Type: "Pass", Next: "B" }, B: { Type: "Choice", Choices: [], Default: "A" } },
  },
  loops: {
    StartAt: "Look",
    States: {
      Look: { Type: "Task", Resource: "${echo}", ResultPath: "$.seen", Next: "Done?" },
      "Done?": {
        Type: "Choice",
        Choices: [{ Variable: "$.wait", NumericGreaterThan: 0, Next: "Wait" }],
        Default: "End",
      },
      Wait: { Type: "Wait", SecondsPath: "$.wait", Next: "Rest" },
      Rest: { Type: "Pass", Parameters: { wait: 0 }, Next: "Look" },
      End: { Type: "Succeed" },
    },
  },
  "side-by-side": {
    StartAt: "Each",
    States: {
      Each: {
        Type: "Map",
        ItemsPath: "$.items",
        MaxConcurrency: 10,
        ItemProcessor: { StartAt: "Item", States: { Item: { Type: "Task", Resource: "${slow}", End: true } } },
        End: true,
      },
    },
  },
};

const directory = temporaryDirectory();
let stage: Stage;
beforeAll(async () => {
  stage = await openStage(directory, machines, stageFunctions);
});
afterAll(async () => {
  await stage.stop();
  remove(directory);
});
const callsOf = (name: string) => stage.calls.filter((call) => call.name === name);

describe("errors by name", () => {
  it("are retried where Retry names them", async () => {
    expect(await stage.run("retries")).toMatchObject({ status: "SUCCEEDED", output: '{"after":2}' });
  });

  it("fail the execution after the last attempt, with name and the error as cause", async () => {
    const found = await stage.run("gives-up");
    expect(found).toMatchObject({ status: "FAILED", error: "Throttled" });
    expect(JSON.parse(found.cause ?? "")).toEqual({ errorType: "Throttled", errorMessage: "as told" });
    expect(callsOf("throws-throttled")).toHaveLength(3);
    expect(found.output).toBeUndefined();
  });

  it("are not retried where Retry names others", async () => {
    expect(await stage.run("not-retried")).toMatchObject({ status: "FAILED", error: "Other" });
    expect(callsOf("throws-other")).toHaveLength(1);
  });

  it("are caught with Error and Cause as AWS writes them", async () => {
    const found = await stage.run("catches", { kept: 1 });
    const cause = '{"errorType":"Other","errorMessage":"for another reason"}';
    expect(JSON.parse(found.output ?? "")).toEqual({ kept: 1, failure: { Error: "Other", Cause: cause } });
  });

  it.each([
    ["timeout-by-name", "SUCCEEDED", "Lambda's timeout is called Sandbox.Timedout"],
    ["timeout-is-not-states-timeout", "FAILED", "it is not the task's timeout"],
    ["task-failed-matches", "SUCCEEDED", "States.TaskFailed is any error but States.Timeout"],
    ["no-function", "SUCCEEDED", "the service's refusals begin with Lambda."],
  ])("%s ends %s: %s", async (machine, status) => {
    expect((await stage.run(machine)).status).toBe(status);
  });
});

describe("limits", () => {
  it("a task's timeout is States.Timeout, and the execution's is TIMED_OUT without error and cause", async () => {
    const [task, machine] = await Promise.all([stage.run("task-timeout"), stage.run("machine-timeout")]);
    expect(task).toMatchObject({ status: "FAILED", error: "States.Timeout" });
    expect(machine.status).toBe("TIMED_OUT");
    expect(machine.error).toBeUndefined();
    expect(machine.cause).toBeUndefined();
  });

  it("a result above 256 KiB fails the execution, and nothing catches that", async () => {
    expect(await stage.run("large")).toMatchObject({ status: "FAILED", error: "States.DataLimitExceeded" });
  });

  it("so does what grew above it on the way", async () => {
    const before = callsOf("echo").length;
    expect(await stage.run("grows")).toMatchObject({ status: "FAILED", error: "States.DataLimitExceeded" });
    expect(callsOf("echo")).toHaveLength(before);
  });

  it("a loop that never waits ends at 25,000 events and blocks nobody for ever", async () => {
    expect(await stage.run("endless")).toMatchObject({ status: "FAILED", cause: expect.stringContaining("25000") });
  });
});

describe("states", () => {
  it("Fail reports its Error and Cause, and nothing when it has none", async () => {
    expect(await stage.run("fails")).toMatchObject({ status: "FAILED", error: "Nope", cause: "because" });
    const silent = await stage.run("fails-silently");
    expect(silent.status).toBe("FAILED");
    expect(silent.error).toBeUndefined();
  });

  it("read the context object", async () => {
    const executionArn = await stage.start("context", {}, "seen");
    const found = await stage.finish(executionArn);
    expect(JSON.parse(found.output ?? "")).toEqual({
      id: executionArn,
      name: "seen",
      machine: `${stage.server.arnPrefix}context`,
    });
  });

  it("loop through Task, Choice and Wait", async () => {
    const before = callsOf("echo").length;
    expect(await stage.run("loops", { wait: 1 })).toMatchObject({ status: "SUCCEEDED" });
    expect(callsOf("echo")).toHaveLength(before + 2);
  });

  it("of a Map run side by side", async () => {
    const found = await stage.run("side-by-side", { items: [1, 2, 3, 4, 5] });
    expect(JSON.parse(found.output ?? "")).toEqual(["slow", "slow", "slow", "slow", "slow"]);
    expect(peak).toBe(5);
  });
});

describe("the process", () => {
  it("ends an execution that is left as ABORTED, and keeps its name and result for the next start", async () => {
    const own = temporaryDirectory();
    const first = await openStage(own, machines, stageFunctions);
    const done = await first.finish(await first.start("fails", {}, "done"));
    const left = await first.start("machine-timeout", {}, "left");
    await Promise.all([first.stop(), first.stop()]);
    const second = await openStage(own, machines, stageFunctions);
    expect(await second.finish(done.executionArn ?? "")).toMatchObject({
      status: "FAILED",
      error: "Nope",
      stopDate: done.stopDate,
    });
    expect(await second.finish(left)).toMatchObject({ status: "ABORTED", cause: "the process that ran it ended" });
    await expect(second.start("fails", {}, "done")).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
    await expect(second.start("machine-timeout", {}, "left")).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
    await second.stop();
    remove(own);
  });

  it("waits for what ends in time", async () => {
    const own = temporaryDirectory();
    const first = await openStage(own, { slow: oneTask("slow") }, stageFunctions);
    const executionArn = await first.start("slow");
    await first.stop(5000);
    const second = await openStage(own, { slow: oneTask("slow") }, stageFunctions);
    expect(await second.finish(executionArn)).toMatchObject({ status: "SUCCEEDED", output: '"slow"' });
    await second.stop();
    remove(own);
  });

  it("runs nothing more of an execution that was aborted while it waited to retry", async () => {
    const own = temporaryDirectory();
    const Retry = [{ ErrorEquals: ["States.ALL"], IntervalSeconds: 60, MaxAttempts: 99 }];
    const only = await openStage(own, { retrying: oneTask("throws-other", { Retry }) }, stageFunctions);
    await only.start("retrying");
    await expect.poll(() => only.calls.length).toBe(1);
    await only.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(only.calls).toHaveLength(1);
    remove(own);
  });
});

it("runs real functions, whose timeouts and errors it catches by name", async () => {
  const own = temporaryDirectory();
  const lambda = createLambda({ functions, region, accountId });
  const Catch = [
    { ErrorEquals: ["QuotaExceeded"], Next: "Quota" },
    { ErrorEquals: ["Sandbox.Timedout"], Next: "Late" },
    { ErrorEquals: ["Runtime.ExitError"], Next: "Died" },
  ];
  const ends = Object.fromEntries(
    ["Quota", "Late", "Died"].map((name) => [name, { Type: "Pass", Parameters: { name }, End: true }]),
  );
  const server = await startStepFunctions({
    machines: { real: oneTask("behaves", { Catch }, ends), hurried: oneTask("hurries", { Catch }, ends) },
    invoke: lambda.invoke,
    database: `${own}/real.sqlite`,
    region,
    accountId,
    namePrefix: "cairn-",
  });
  const client = new SFNClient({
    endpoint: server.url,
    region,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  const outputOf = async (machine: string, input: object) => {
    const { executionArn } = await client.send(
      new StartExecutionCommand({ stateMachineArn: server.arnPrefix + machine, input: JSON.stringify(input) }),
    );
    const describe = () => client.send(new DescribeExecutionCommand({ executionArn }));
    await expect.poll(async () => (await describe()).status, { timeout: 5000 }).not.toBe("RUNNING");
    return JSON.parse((await describe()).output ?? "null");
  };
  expect(await outputOf("real", { do: "echo", value: 7 })).toBe(7);
  expect(await outputOf("real", { do: "throw" })).toEqual({ name: "Quota" });
  expect(await outputOf("real", { do: "exit" })).toEqual({ name: "Died" });
  expect(await outputOf("hurried", { do: "sleep", ms: 5000 })).toEqual({ name: "Late" });
  client.destroy();
  await server.close(0);
  await lambda.close(0);
  remove(own);
});
