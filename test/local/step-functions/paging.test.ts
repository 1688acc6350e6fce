import {
  GetExecutionHistoryCommand,
  type GetExecutionHistoryCommandInput,
  ListExecutionsCommand,
  type ListExecutionsCommandInput,
  paginateGetExecutionHistory,
  paginateListExecutions,
} from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { oneTask, openStage, remove, type Stage, temporaryDirectory } from "./stage.ts";

const directory = temporaryDirectory();
const day = 24 * 60 * 60 * 1000;
let clock = Date.now();
let stage: Stage;
let executionArn: string;
let stateMachineArn: string;

beforeAll(async () => {
  const machines = { echo: oneTask("echo"), other: oneTask("echo"), held: oneTask("held") };
  const functions = { echo: (event: unknown) => event, held: () => new Promise(() => {}) };
  stage = await openStage(directory, machines, functions, () => clock);
  stateMachineArn = `${stage.server.arnPrefix}echo`;
  for (let index = 0; index < 5; index += 1)
    executionArn = (await stage.finish(await stage.start("echo", {}, `n${index}`))).executionArn ?? "";
});
afterAll(async () => {
  await stage.stop();
  remove(directory);
});

const history = (more: Partial<GetExecutionHistoryCommandInput> = {}) =>
  stage.client.send(new GetExecutionHistoryCommand({ executionArn, ...more }));
const list = (more: Partial<ListExecutionsCommandInput> = {}) =>
  stage.client.send(new ListExecutionsCommand({ stateMachineArn, ...more }));
const ids = ({ events = [] }: Awaited<ReturnType<typeof history>>) => events.map(({ id }) => id);
const names = ({ executions = [] }: Awaited<ReturnType<typeof list>>) => executions.map(({ name }) => name);

describe("pages", () => {
  it("of a history go from the first event to the last, or back", async () => {
    for (const [reverseOrder, order] of [
      [false, [1, 2, 3, 4, 5, 6, 7]],
      [true, [7, 6, 5, 4, 3, 2, 1]],
    ] as const) {
      const pages: (number | undefined)[][] = [];
      const input = { executionArn, reverseOrder };
      for await (const page of paginateGetExecutionHistory({ client: stage.client, pageSize: 3 }, input))
        pages.push(ids(page));
      expect(pages).toEqual([order.slice(0, 3), order.slice(3, 6), order.slice(6)]);
    }
  });

  it("of a list go from the newest execution to the oldest, by status when asked", async () => {
    const pages: (string | undefined)[][] = [];
    const input = { stateMachineArn, statusFilter: "SUCCEEDED" as const };
    for await (const page of paginateListExecutions({ client: stage.client, pageSize: 2 }, input))
      pages.push(names(page));
    expect(pages).toEqual([["n4", "n3"], ["n2", "n1"], ["n0"]]);
    expect(names(await list({ statusFilter: "RUNNING" }))).toEqual([]);
  });

  it("hold a hundred results unless told, which 0 does not", async () => {
    for (const maxResults of [undefined, 0]) {
      const answer = await history({ maxResults });
      expect(ids(answer)).toHaveLength(7);
      expect(answer.nextToken).toBeUndefined();
    }
    const started = await Promise.all(Array.from({ length: 101 }, () => stage.start("other")));
    const page = await list({ stateMachineArn: `${stage.server.arnPrefix}other` });
    expect(page.executions).toHaveLength(100);
    expect(page.nextToken).toBeDefined();
    await Promise.all(started.map((arn) => stage.finish(arn)));
  });

  it("do not change while executions are added", async () => {
    const first = await list({ maxResults: 2, stateMachineArn: `${stage.server.arnPrefix}held` });
    expect(first.executions).toEqual([]);
    for (const name of ["a", "b", "c"]) await stage.start("held", {}, name);
    const held = { maxResults: 2, stateMachineArn: `${stage.server.arnPrefix}held` };
    const page = await list(held);
    await stage.start("held", {}, "d");
    expect(names(page)).toEqual(["c", "b"]);
    expect(names(await list({ ...held, nextToken: page.nextToken }))).toEqual(["a"]);
  });

  it("leave data out when asked, and say whose it is all the same", async () => {
    const { events = [] } = await history({ includeExecutionData: false });
    expect(JSON.stringify(events)).not.toMatch(/"(input|output)/);
    expect(events[1]?.stateEnteredEventDetails).toEqual({ name: "Work" });
    expect(events[2]?.lambdaFunctionScheduledEventDetails?.resource).toMatch(/function:echo$/);
  });
});

describe("a token", () => {
  it("is good for 24 hours", async () => {
    const { nextToken } = await history({ maxResults: 2 });
    clock += day;
    expect(ids(await history({ maxResults: 2, nextToken }))).toEqual([3, 4]);
    clock += 1;
    await expect(history({ maxResults: 2, nextToken })).rejects.toMatchObject({ name: "InvalidToken" });
  });

  it.each<[string, Partial<GetExecutionHistoryCommandInput>]>([
    ["another page size", { maxResults: 3 }],
    ["the other order", { reverseOrder: true }],
    ["other data", { includeExecutionData: false }],
    ["another execution", { executionArn: "n0" }],
  ])("is of no use for %s", async (_reason, change) => {
    const { nextToken } = await history({ maxResults: 2 });
    const other = change.executionArn === undefined ? {} : { executionArn: executionArn.replace(/n4$/, "n0") };
    await expect(history({ maxResults: 2, ...change, ...other, nextToken })).rejects.toMatchObject({
      name: "InvalidToken",
    });
  });

  it("of one call is of no use for another, and neither is what is none", async () => {
    const { nextToken } = await list({ maxResults: 2 });
    await expect(history({ maxResults: 2, nextToken })).rejects.toMatchObject({ name: "InvalidToken" });
    for (const none of ["???", "bnVsbA", Buffer.from("[1,2,3]").toString("base64url")]) {
      await expect(history({ nextToken: none })).rejects.toMatchObject({ name: "InvalidToken" });
      await expect(list({ nextToken: none })).rejects.toMatchObject({ name: "InvalidToken" });
    }
  });
});

describe("GetExecutionHistory refuses", () => {
  it.each([
    ["a page of 1,001", { maxResults: 1001 }, "ValidationException"],
    ["a page of -1", { maxResults: -1 }, "ValidationException"],
    [
      "an execution that never was",
      { executionArn: "arn:aws:states:eu-central-1:000000000000:execution:cairn-echo:no" },
      "ExecutionDoesNotExist",
    ],
    ["an ARN that is none", { executionArn: "n4" }, "InvalidArn"],
  ])("%s", async (_reason, more, name) => {
    await expect(history(more)).rejects.toMatchObject({ name });
  });
});

describe("ListExecutions refuses", () => {
  const mapRunArn = "arn:aws:states:eu-central-1:000000000000:mapRun:cairn-echo/Each:no";
  it.each<[string, object, string]>([
    ["a page of 1,001", { maxResults: 1001 }, "ValidationException"],
    ["a page of -1", { maxResults: -1 }, "ValidationException"],
    ["a status that there is not", { statusFilter: "DONE" }, "ValidationException"],
    ["a status of Map Runs", { statusFilter: "PENDING_REDRIVE" }, "ValidationException"],
    ["a redrive filter that there is not", { redriveFilter: "SOME" }, "ValidationException"],
    ["neither machine nor Map Run", { stateMachineArn: undefined }, "ValidationException"],
    ["both machine and Map Run", { mapRunArn }, "ValidationException"],
    ["a Map Run, since there are none", { stateMachineArn: undefined, mapRunArn }, "ResourceNotFound"],
    ["an ARN that is none", { stateMachineArn: "echo" }, "InvalidArn"],
    [
      "an unknown machine",
      { stateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:cairn-no" },
      "StateMachineDoesNotExist",
    ],
  ])("%s", async (_reason, more, name) => {
    await expect(list(more)).rejects.toMatchObject({ name });
  });
});

it("knows that nothing was ever redriven", async () => {
  expect(names(await list({ redriveFilter: "NOT_REDRIVEN" }))).toHaveLength(5);
  expect(names(await list({ redriveFilter: "REDRIVEN" }))).toEqual([]);
  expect((await list()).executions?.[0]).toMatchObject({ redriveCount: 0, status: "SUCCEEDED" });
});

it.each([
  ["GetExecutionHistory", { maxResults: "7" }],
  ["GetExecutionHistory", { maxResults: 1.5 }],
  ["GetExecutionHistory", { reverseOrder: "true" }],
  ["GetExecutionHistory", { executionArn: 7 }],
  ["ListExecutions", { statusFilter: ["FAILED"] }],
])("%s cannot read %o", async (operation, members) => {
  const answer = await fetch(stage.server.url, {
    method: "POST",
    headers: { "x-amz-target": `AWSStepFunctions.${operation}`, "content-type": "application/x-amz-json-1.0" },
    body: JSON.stringify({ executionArn, stateMachineArn, ...members }),
  });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ __type: "SerializationException" });
});
