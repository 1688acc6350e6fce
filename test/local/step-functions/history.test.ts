import { GetExecutionHistoryCommand, type HistoryEvent, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeHistory } from "../../../local/step-functions/history.ts";
import { named, oneTask, openStage, remove, type Stage, type StageFunction, temporaryDirectory } from "./stage.ts";

const functionArn = (name: string) => `arn:aws:lambda:eu-central-1:000000000000:function:${name}`;
const task = (name: string, more: object = { End: true }) => ({ Type: "Task", Resource: `\${${name}}`, ...more });
const pass = { Type: "Pass", End: true };
const each = (states: object, more: object = {}) => ({
  StartAt: "Each",
  States: { Each: { Type: "Map", ItemProcessor: { StartAt: "Work", States: states }, End: true, ...more } },
});
const Retry = [{ ErrorEquals: ["Busy"], IntervalSeconds: 0.01, MaxAttempts: 1 }];
const Catch = [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Caught" }];

const machines: { [name: string]: object } = {
  echo: oneTask("echo", { TimeoutSeconds: 60 }),
  "gives-up": oneTask("busy", { Retry, Catch }, { Caught: { Type: "Fail", Error: "Enough", Cause: "of this" } }),
  refused: oneTask("nobody"),
  late: oneTask("never", { TimeoutSeconds: 1, Catch }, { Caught: pass }),
  "late-is-no-failure": oneTask("never", {
    TimeoutSeconds: 1,
    Catch: [{ ErrorEquals: ["States.TaskFailed"], Next: "Work" }],
  }),
  "whole-late": { ...oneTask("never"), TimeoutSeconds: 1 },
  waits: { StartAt: "W", States: { W: { Type: "Wait", Seconds: 60, End: true } } },
  held: oneTask("held", { Next: "After", End: undefined }, { After: pass }),
  endless: { StartAt: "A", States: { A: { Type: "Pass", Next: "B" }, B: { Type: "Pass", Next: "A" } } },
  map: each({ Work: task("echo", { Next: "Then" }), Then: pass }, { MaxConcurrency: 1 }),
  "map-side-by-side": each({ Work: task("slow") }),
  "map-fails": each(
    { Work: task("picky", { TimeoutSeconds: 60, End: true }) },
    { Catch: [{ ...Catch[0], Next: "Caught", ResultPath: "$" }] },
  ),
  parallel: {
    StartAt: "Both",
    States: {
      Both: {
        Type: "Parallel",
        Branches: [
          { StartAt: "Slow", States: { Slow: task("slow") } },
          { StartAt: "Quick", States: { Quick: pass } },
        ],
        End: true,
      },
    },
  },
};
const mapFails = machines["map-fails"] as { States: { [name: string]: object } };
mapFails.States.Caught = pass;

let release: () => void = () => {};
const functions: { [name: string]: StageFunction } = {
  echo: (event) => event,
  busy: () => {
    throw named("Busy");
  },
  never: () => new Promise(() => {}),
  held: () => new Promise<void>((resolve) => (release = resolve)),
  slow: () => new Promise((resolve) => setTimeout(resolve, 50, "slow")),
  picky: (event) => {
    if (event === "bad") throw named("Picky");
    return new Promise(() => {});
  },
};

const directory = temporaryDirectory();
let stage: Stage;
beforeAll(async () => {
  stage = await openStage(directory, machines, functions);
});
afterAll(async () => {
  await stage.stop();
  remove(directory);
});

/** Runs to the end. Each event as `id < previous: type`, so that a history is read at a glance. */
async function linesOf(machine: string, input?: unknown): Promise<string[]> {
  const executionArn = await stage.start(machine, input);
  await stage.finish(executionArn);
  return lines(await stage.history(executionArn));
}

function lines(events: HistoryEvent[]): string[] {
  return events.map(({ id, previousEventId, type }) => `${id} < ${previousEventId}: ${type}`);
}

async function eventsOf(machine: string, input?: unknown): Promise<HistoryEvent[]> {
  const executionArn = await stage.start(machine, input);
  await stage.finish(executionArn);
  return stage.history(executionArn);
}

const detailsOf = (events: HistoryEvent[]) =>
  events.map(({ id: _, previousEventId: __, timestamp: ___, type, ...details }) => ({ type, ...details }));
const whole = { truncated: false };

describe("GetExecutionHistory", () => {
  it("tells of a Task from its state's input to its output", async () => {
    const before = Date.now();
    const events = await eventsOf("echo", { a: [1] });
    const data = { input: '{"a":[1]}', inputDetails: whole };
    const output = { output: '{"a":[1]}', outputDetails: whole };
    expect(detailsOf(events)).toEqual([
      {
        type: "ExecutionStarted",
        executionStartedEventDetails: { ...data, roleArn: "arn:aws:iam::000000000000:role/echo" },
      },
      { type: "TaskStateEntered", stateEnteredEventDetails: { name: "Work", ...data } },
      {
        type: "LambdaFunctionScheduled",
        lambdaFunctionScheduledEventDetails: { resource: functionArn("echo"), ...data, timeoutInSeconds: 60 },
      },
      { type: "LambdaFunctionStarted" },
      { type: "LambdaFunctionSucceeded", lambdaFunctionSucceededEventDetails: output },
      { type: "TaskStateExited", stateExitedEventDetails: { name: "Work", ...output } },
      { type: "ExecutionSucceeded", executionSucceededEventDetails: output },
    ]);
    // The first state follows nothing, as on AWS.
    expect(events.map(({ previousEventId }) => previousEventId)).toEqual([0, 0, 2, 3, 4, 5, 6]);
    for (const { timestamp } of events) {
      expect(timestamp?.getTime()).toBeGreaterThanOrEqual(before);
      expect(timestamp?.getTime()).toBeLessThanOrEqual(Date.now());
    }
  });

  it("tells of each attempt, of a caught error as the state's output, and of a Fail", async () => {
    const events = await eventsOf("gives-up", {});
    const attempt = ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionFailed"];
    const types = ["ExecutionStarted", "TaskStateEntered", ...attempt, ...attempt];
    expect(events.map(({ type }) => type)).toEqual([
      ...types,
      "TaskStateExited",
      "FailStateEntered",
      "ExecutionFailed",
    ]);
    const cause = '{"errorType":"Busy","errorMessage":"as told"}';
    expect(events[4]?.lambdaFunctionFailedEventDetails).toEqual({ error: "Busy", cause });
    expect(JSON.parse(events[8]?.stateExitedEventDetails?.output ?? "")).toEqual({
      error: { Error: "Busy", Cause: cause },
    });
    expect(events.at(-1)?.executionFailedEventDetails).toEqual({ error: "Enough", cause: "of this" });
  });

  it("tells of Lambda's refusal in Lambda's words", async () => {
    const events = await eventsOf("refused");
    expect(events.at(-2)?.lambdaFunctionFailedEventDetails).toEqual({
      error: "Lambda.ResourceNotFoundException",
      cause: functionArn("nobody"),
    });
  });

  it("tells of a timeout without a cause, and a Catch gets an empty one", async () => {
    const [caught, whole_, failed] = await Promise.all([
      eventsOf("late", {}),
      eventsOf("whole-late"),
      eventsOf("late-is-no-failure"),
    ]);
    expect(caught[4]).toMatchObject({
      type: "LambdaFunctionTimedOut",
      lambdaFunctionTimedOutEventDetails: { error: "States.Timeout" },
    });
    expect(caught[4]?.lambdaFunctionTimedOutEventDetails?.cause).toBeUndefined();
    expect(caught[5]?.stateExitedEventDetails?.output).toBe('{"error":{"Error":"States.Timeout","Cause":""}}');
    expect(detailsOf(whole_.slice(-1))).toEqual([{ type: "ExecutionTimedOut", executionTimedOutEventDetails: {} }]);
    expect(detailsOf(failed.slice(-1))).toEqual([
      { type: "ExecutionFailed", executionFailedEventDetails: { error: "States.Timeout" } },
    ]);
  });

  it("tells of a running execution as far as it has come, and of a stopped one nothing more but that", async () => {
    const executionArn = await stage.start("held", {});
    const sofar = ["1 < 0: ExecutionStarted", "2 < 0: TaskStateEntered", "3 < 2: LambdaFunctionScheduled"];
    const running = [...sofar, "4 < 3: LambdaFunctionStarted"];
    await expect.poll(async () => lines(await stage.history(executionArn))).toEqual(running);
    await stage.client.send(new StopExecutionCommand({ executionArn, error: "Enough", cause: "asked to" }));
    const stopped = [...running, "5 < 0: ExecutionAborted"];
    const events = await stage.history(executionArn);
    expect(lines(events)).toEqual(stopped);
    expect(events.at(-1)?.executionAbortedEventDetails).toEqual({ error: "Enough", cause: "asked to" });
    release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines(await stage.history(executionArn))).toEqual(stopped);
  });

  it("tells of a stopped Wait as AWS does, which has no event for the state", async () => {
    const executionArn = await stage.start("waits", {});
    await stage.client.send(new StopExecutionCommand({ executionArn }));
    const events = await stage.history(executionArn);
    expect(lines(events)).toEqual(["1 < 0: ExecutionStarted", "2 < 0: WaitStateEntered", "3 < 0: ExecutionAborted"]);
    expect(events.at(-1)?.executionAbortedEventDetails).toEqual({});
  });

  it("ends with the 25,000th event", async () => {
    const executionArn = await stage.start("endless");
    await stage.finish(executionArn);
    const last = await stage.client.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: 1, reverseOrder: true }),
    );
    expect(last.events?.[0]).toMatchObject({
      id: 25_000,
      type: "ExecutionFailed",
      executionFailedEventDetails: { error: "States.Runtime" },
    });
  });
});

it("leaves room for the end, whatever is told at once", () => {
  const ids: number[] = [];
  let isFull = 0;
  const definition = { StartAt: "T", States: { T: task("t") } };
  const state = { name: "T", type: "Task", input: null } as const;
  const history = writeHistory({
    definition,
    input: "{}",
    roleArn: "r",
    write: ({ id }) => ids.push(id),
    full: () => (isFull += 1),
    now: () => 0,
  });
  // Three events to a round and one before it, so that the last two of a round cross the limit.
  for (let round = 0; round < 9000; round += 1) {
    history.tell({ type: "StateEntered", timestamp: 0, state });
    history.attempt("T", null);
  }
  history.end({ status: "FAILED", error: null, cause: null });
  history.end({ status: "TIMED_OUT" });
  expect(isFull).toBe(1);
  expect(ids).toEqual(Array.from({ length: 25_000 }, (_, index) => index + 1));
});

/** What follows what is as in histories recorded from AWS. */
describe("inside a Map or a Parallel", () => {
  it("an iteration follows the one whose place it takes, and its success is followed by nothing", async () => {
    expect(await linesOf("map", ["a", "b"])).toEqual([
      "1 < 0: ExecutionStarted",
      "2 < 0: MapStateEntered",
      "3 < 2: MapStateStarted",
      "4 < 3: MapIterationStarted",
      "5 < 4: TaskStateEntered",
      "6 < 5: LambdaFunctionScheduled",
      "7 < 6: LambdaFunctionStarted",
      "8 < 7: LambdaFunctionSucceeded",
      "9 < 8: TaskStateExited",
      "10 < 9: PassStateEntered",
      "11 < 10: PassStateExited",
      "12 < 11: MapIterationSucceeded",
      "13 < 11: MapIterationStarted",
      "14 < 13: TaskStateEntered",
      "15 < 14: LambdaFunctionScheduled",
      "16 < 15: LambdaFunctionStarted",
      "17 < 16: LambdaFunctionSucceeded",
      "18 < 17: TaskStateExited",
      "19 < 18: PassStateEntered",
      "20 < 19: PassStateExited",
      "21 < 20: MapIterationSucceeded",
      "22 < 21: MapStateSucceeded",
      "23 < 21: MapStateExited",
      "24 < 23: ExecutionSucceeded",
    ]);
  });

  it("iterations side by side all follow the start, each with its own states", async () => {
    const events = await eventsOf("map-side-by-side", [1, 2, 3]);
    expect(events[2]?.mapStateStartedEventDetails).toEqual({ length: 3 });
    const byId = new Map(events.map((event) => [event.id, event]));
    const iterationOf = (event: HistoryEvent | undefined): number | undefined =>
      event?.mapIterationStartedEventDetails?.index ??
      (event === undefined ? undefined : iterationOf(byId.get(event.previousEventId)));
    for (const index of [0, 1, 2]) {
      const own = events.filter((event) => event.type !== "MapStateExited" && iterationOf(event) === index);
      expect(own.map(({ type }) => type).slice(0, 7)).toEqual([
        "MapIterationStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "MapIterationSucceeded",
      ]);
      expect(own[0]?.previousEventId).toBe(3);
      expect(own[2]?.lambdaFunctionScheduledEventDetails?.input).toBe(String(index + 1));
    }
  });

  it("one failure leads to all that it ends", async () => {
    const events = await eventsOf("map-fails", ["good", "bad"]);
    const failure = events.find(({ type }) => type === "LambdaFunctionFailed")?.id ?? 0;
    const after = events.slice(failure);
    expect(after.map(({ type, previousEventId }) => [type, previousEventId])).toEqual([
      ["MapIterationFailed", failure],
      ["TaskStateAborted", failure],
      ["MapIterationAborted", failure],
      ["TaskStateAborted", failure],
      ["MapStateFailed", failure],
      ["MapStateExited", failure + 5],
      ["PassStateEntered", failure + 6],
      ["PassStateExited", failure + 7],
      ["ExecutionSucceeded", failure + 8],
    ]);
    expect(after[0]?.mapIterationFailedEventDetails).toEqual({ name: "Each", index: 1 });
    expect(after[2]?.mapIterationAbortedEventDetails).toEqual({ name: "Each", index: 0 });
  });

  it("branches follow the start, and the end follows the last of them", async () => {
    const events = await eventsOf("parallel", {});
    const entered = events.filter(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name !== "Both");
    expect(entered.filter(({ type }) => type?.endsWith("Entered")).map((event) => event.previousEventId)).toEqual([
      3, 3,
    ]);
    expect(lines(events).slice(-4)).toEqual([
      "10 < 9: TaskStateExited",
      "11 < 10: ParallelStateSucceeded",
      "12 < 10: ParallelStateExited",
      "13 < 12: ExecutionSucceeded",
    ]);
  });
});
