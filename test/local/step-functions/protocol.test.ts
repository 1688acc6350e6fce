import { DescribeExecutionCommand, StartExecutionCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { oneTask, openStage, remove, type Stage, temporaryDirectory } from "./stage.ts";

const directory = temporaryDirectory();
const executionPrefix = "arn:aws:states:eu-central-1:000000000000:execution:cairn-echo";
const day = 24 * 60 * 60 * 1000;
let clock = Date.now();
let release: () => void = () => {};
let stage: Stage;

beforeAll(async () => {
  const machines = {
    echo: oneTask("echo"),
    held: oneTask("held"),
    pass: { StartAt: "P", States: { P: { Type: "Succeed" } } },
  };
  const held = () => new Promise<void>((resolve) => (release = resolve));
  stage = await openStage(directory, machines, { echo: (event) => event, held }, () => clock);
});
afterAll(async () => {
  await stage.stop();
  remove(directory);
});

const arnOf = (machine: string) => `${stage.server.arnPrefix}${machine}`;
const start = (machine: string, more: object) =>
  stage.client.send(new StartExecutionCommand({ stateMachineArn: arnOf(machine), ...more }));

describe("StartExecution", () => {
  it("answers the execution's ARN and start, and the execution runs", async () => {
    const answer = await start("echo", { name: "one", input: '{"a":[1]}' });
    expect(answer.executionArn).toBe("arn:aws:states:eu-central-1:000000000000:execution:cairn-echo:one");
    expect(answer.startDate).toEqual(new Date(clock));
    const found = await stage.finish(answer.executionArn ?? "");
    expect(found).toMatchObject({
      stateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:cairn-echo",
      name: "one",
      status: "SUCCEEDED",
      input: '{"a":[1]}',
      output: '{"a":[1]}',
      inputDetails: { included: true },
    });
    expect(found.startDate).toEqual(new Date(clock));
    expect(found.stopDate).toEqual(new Date(clock));
    expect(found.error).toBeUndefined();
  });

  it("gives an execution without a name a UUID, and without an input an empty object", async () => {
    const { executionArn = "" } = await start("echo", {});
    expect(executionArn).toMatch(/:[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(await stage.finish(executionArn)).toMatchObject({ input: "{}", output: "{}" });
  });

  it("is the same execution for the same name and input while it runs, and runs once", async () => {
    const first = await start("held", { name: "same", input: '{"n":1}' });
    clock += 5000;
    const again = await start("held", { name: "same", input: '{"n":1}' });
    expect(again.executionArn).toBe(first.executionArn);
    expect(again.startDate).toEqual(first.startDate);
    await expect(start("held", { name: "same", input: '{"n":2}' })).rejects.toMatchObject({
      name: "ExecutionAlreadyExists",
    });
    expect(stage.calls.filter(({ name }) => name === "held")).toHaveLength(1);
    release();
    await stage.finish(first.executionArn ?? "");
    await expect(start("held", { name: "same", input: '{"n":1}' })).rejects.toMatchObject({
      name: "ExecutionAlreadyExists",
    });
  });

  it("starts one execution for ten simultaneous calls", async () => {
    const before = stage.calls.length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => start("held", { name: "ten", input: "{}" })));
    expect(new Set(answers.map(({ executionArn }) => executionArn)).size).toBe(1);
    expect(stage.calls.length).toBe(before + 1);
    release();
    await stage.finish(answers[0]?.executionArn ?? "");
  });

  it("takes the same name for another machine", async () => {
    await start("pass", { name: "one" });
  });

  it("frees a closed execution's name after 90 days, not before", async () => {
    await stage.finish((await start("pass", { name: "old" })).executionArn ?? "");
    clock += 90 * day;
    await expect(start("pass", { name: "old" })).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
    clock += 1;
    await start("pass", { name: "old" });
  });

  it.each<[string, object, string]>([
    ["an ARN that is none", { stateMachineArn: "reconcile" }, "InvalidArn"],
    ["an execution's ARN", { stateMachineArn: "arn:aws:states:eu-central-1:000000000000:execution:a:b" }, "InvalidArn"],
    [
      "an unknown machine",
      { stateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:cairn-no" },
      "StateMachineDoesNotExist",
    ],
    [
      "a machine without the prefix",
      { stateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:echo" },
      "StateMachineDoesNotExist",
    ],
    [
      "another region",
      { stateMachineArn: "arn:aws:states:us-east-1:000000000000:stateMachine:cairn-echo" },
      "StateMachineDoesNotExist",
    ],
    [
      "another account",
      { stateMachineArn: "arn:aws:states:eu-central-1:000000000001:stateMachine:cairn-echo" },
      "StateMachineDoesNotExist",
    ],
    ["a name of 81 characters", { name: "n".repeat(81) }, "InvalidName"],
    ["an empty name", { name: "" }, "InvalidName"],
    ...[
      " ",
      "<",
      "}",
      "[",
      "?",
      "*",
      '"',
      "#",
      "%",
      "\\",
      "^",
      "|",
      "~",
      "`",
      "$",
      "&",
      ",",
      ";",
      ":",
      "/",
      "\u0007",
      "\u0085",
      "😀",
      "\ufffe",
    ].map(
      (character) =>
        [`the character ${JSON.stringify(character)}`, { name: `a${character}b` }, "InvalidName"] as [
          string,
          object,
          string,
        ],
    ),
    ["input that is no JSON", { input: "{oops" }, "InvalidExecutionInput"],
    ["empty input", { input: "" }, "InvalidExecutionInput"],
    ["input above 256 KiB", { input: JSON.stringify("ü".repeat(131_072)) }, "ValidationException"],
  ])("refuses %s", async (_reason, request, error) => {
    const before = stage.calls.length;
    await expect(start("echo", request)).rejects.toMatchObject({ name: error });
    expect(stage.calls.length).toBe(before);
  });

  it("takes a name of 80 characters, other letters, and an input of exactly 256 KiB", async () => {
    await start("pass", { name: "n".repeat(80) });
    await start("pass", { name: "größe.1_a-b(c)!@+=" });
    const input = JSON.stringify("x".repeat(262_142));
    const found = await stage.finish((await start("echo", { input })).executionArn ?? "");
    expect(found).toMatchObject({ status: "SUCCEEDED", output: input });
  });
});

describe("DescribeExecution", () => {
  it.each([
    ["arn:aws:states:eu-central-1:000000000000:execution:cairn-echo:never", "ExecutionDoesNotExist"],
    ["arn:aws:states:eu-central-1:000000000000:execution:other:never", "ExecutionDoesNotExist"],
    ["never", "InvalidArn"],
  ])("of %s is %s", async (executionArn, error) => {
    await expect(stage.client.send(new DescribeExecutionCommand({ executionArn }))).rejects.toMatchObject({
      name: error,
    });
  });
});

describe("StopExecution", () => {
  it("aborts what runs, with the error and cause given, and lets a closed one be", async () => {
    const { executionArn } = await start("held", { name: "stopped" });
    const stopped = await stage.client.send(
      new StopExecutionCommand({ executionArn, error: "Enough", cause: "asked to" }),
    );
    expect(stopped.stopDate).toEqual(new Date(clock));
    release();
    const found = await stage.finish(executionArn ?? "");
    expect(found).toMatchObject({ status: "ABORTED", error: "Enough", cause: "asked to" });
    expect(found.output).toBeUndefined();
    clock += 1000;
    const again = await stage.client.send(new StopExecutionCommand({ executionArn, error: "Too late" }));
    expect(again.stopDate).toEqual(stopped.stopDate);
    expect(await stage.finish(executionArn ?? "")).toMatchObject({ status: "ABORTED", error: "Enough" });
  });

  it("leaves what succeeded as it is", async () => {
    const executionArn = await stage.start("echo", {}, "done-before");
    const done = await stage.finish(executionArn);
    clock += 1000;
    const { stopDate } = await stage.client.send(new StopExecutionCommand({ executionArn, cause: "too late" }));
    expect(stopDate).toEqual(done.stopDate);
    expect(await stage.finish(executionArn)).toMatchObject({ status: "SUCCEEDED", stopDate: done.stopDate });
  });

  it.each<[string, object, string]>([
    ["an execution that never was", { executionArn: `${executionPrefix}:never` }, "ExecutionDoesNotExist"],
    ["an ARN that is none", { executionArn: "never" }, "InvalidArn"],
    ["an error of 257 characters", { error: "e".repeat(257) }, "ValidationException"],
    ["a cause of 32,769 characters", { cause: "c".repeat(32_769) }, "ValidationException"],
  ])("refuses %s, and stops nothing", async (_reason, more, name) => {
    const executionArn = await stage.start("held", {}, `stop ${name} ${Object.keys(more)}`.replaceAll(" ", "-"));
    await expect(stage.client.send(new StopExecutionCommand({ executionArn, ...more }))).rejects.toMatchObject({
      name,
    });
    expect(await stage.client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: "RUNNING",
      redriveStatus: "NOT_REDRIVABLE",
    });
    release();
    await stage.finish(executionArn);
  });

  it("takes an error of 256 and a cause of 32,768 characters", async () => {
    const executionArn = await stage.start("held", {}, "explained");
    const why = { error: "e".repeat(256), cause: "c".repeat(32_768) };
    await stage.client.send(new StopExecutionCommand({ executionArn, ...why }));
    expect(await stage.finish(executionArn)).toMatchObject({ ...why, redriveStatus: "REDRIVABLE", redriveCount: 0 });
  });
});

it("starts a machine for a rule of this process, by its plain name", async () => {
  const executionArn = stage.server.start("echo", { "detail-type": "Scheduled Event" });
  expect(await stage.finish(executionArn)).toMatchObject({
    status: "SUCCEEDED",
    output: '{"detail-type":"Scheduled Event"}',
  });
  expect(() => stage.server.start("nobody", {})).toThrow(expect.objectContaining({ name: "StateMachineDoesNotExist" }));
});

it("answers an operation it does not have, and a request that is no JSON, with errors of the protocol", async () => {
  const call = (target: string, body: string) =>
    fetch(stage.server.url, {
      method: "POST",
      headers: { "x-amz-target": target, "content-type": "application/x-amz-json-1.0" },
      body,
    });
  const unknown = await call("AWSStepFunctions.toString", "{}");
  expect(unknown.status).toBe(400);
  expect(await unknown.json()).toMatchObject({ __type: "UnknownOperationException" });
  const malformed = await call("AWSStepFunctions.StartExecution", "[");
  expect(await malformed.json()).toMatchObject({ __type: "SerializationException" });
  const without = await call("AWSStepFunctions.StartExecution", "{}");
  expect(await without.json()).toMatchObject({ __type: "ValidationException" });
});
