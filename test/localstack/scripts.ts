import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { readDefinition } from "../statemachines/run-scenario.ts";
import type { Answer } from "../statemachines/scenarios.ts";
import type { Engine, Machine } from "./engines.ts";
import { finish, start } from "./seen.ts";

/** Calls in a certain order, and what both engines are to answer. */
export type Script = {
  title: string;
  machine: Machine;
  play(engine: Engine, machine: string): Promise<unknown>;
  expected: unknown;
};

const ref = { team: "payments", operation: "0192f3c1-7a10-7c3e-9a51-000000000001", epoch: 3 };
const name = `${ref.operation}-3`;
const takeOver = { ref: { ...ref, epoch: 4 }, name: `${ref.operation}-4` };
const claimed: Answer[] = [{ result: { next: "observe" } }];
const ends: Answer = { result: { next: "end" } };
/** LocalStack now and then does not hear that it is to stop before a wait is over. */
const waits: Answer = { result: { next: "wait", seconds: 20 } };

/** The reconcile machine as it ships, whose functions do this. */
const reconcile = (answers: Machine["answers"], more: object = {}): Machine => ({
  definition: { ...readDefinition("reconcile"), ...more },
  answers,
});
const done = reconcile({ "claim-operation": claimed, "observe-resource": [ends] });
const held = reconcile({ "claim-operation": [{ hangs: true }, ...claimed], "observe-resource": [ends] });
const waiting = reconcile({ "claim-operation": claimed, "observe-resource": [waits, ends] });

export const scripts: readonly Script[] = [
  {
    title: "the same name and input while it runs is the same execution, which runs once",
    machine: held,
    async play(engine, machine) {
      const first = await start(engine, machine, ref, name);
      await calledTimes(engine, machine, 1);
      const second = await start(engine, machine, ref, name);
      const calls = callsOf(engine, machine);
      engine.lambda.release();
      const { end } = await finish(engine, first);
      return { same: first === second, calls, end };
    },
    expected: { same: true, calls: 1, end: { status: "SUCCEEDED" } },
  },
  {
    title: "the same name with another input while it runs is refused, and the first goes on",
    machine: held,
    async play(engine, machine) {
      const first = await start(engine, machine, ref, name);
      const second = await errorOf(start(engine, machine, takeOver.ref, name));
      await calledTimes(engine, machine, 1);
      engine.lambda.release();
      const { end } = await finish(engine, first);
      return { second, end };
    },
    expected: { second: "ExecutionAlreadyExists", end: { status: "SUCCEEDED" } },
  },
  {
    title: "the name of a closed execution stays taken, for the same input too",
    machine: done,
    async play(engine, machine) {
      await finish(engine, await start(engine, machine, ref, name));
      return [
        await errorOf(start(engine, machine, ref, name)),
        await errorOf(start(engine, machine, takeOver.ref, name)),
      ];
    },
    expected: ["ExecutionAlreadyExists", "ExecutionAlreadyExists"],
  },
  {
    title: "a stopped wait ends at once, with the error and cause given",
    machine: waiting,
    async play(engine, machine) {
      const executionArn = await start(engine, machine, ref, name);
      await entered(engine, executionArn, "Wait");
      await stop(engine, executionArn, { error: "Maintenance", cause: "asked to" });
      const { states, end, description, history } = await finish(engine, executionArn);
      const last = history.at(-1);
      return { states, end: end.status, output: description.output, last };
    },
    expected: {
      states: ["Claim", "Observe", "Route", "Wait"],
      end: "ABORTED",
      output: undefined,
      last: {
        id: 15,
        previousEventId: 0,
        type: "ExecutionAborted",
        details: { error: "Maintenance", cause: "asked to" },
      },
    },
  },
  {
    title: "a stopped task's answer comes too late for anything to follow",
    machine: held,
    async play(engine, machine) {
      const executionArn = await start(engine, machine, ref, name);
      await calledTimes(engine, machine, 1);
      await stop(engine, executionArn);
      engine.lambda.release();
      const { states, end, history } = await finish(engine, executionArn);
      return { states, end: end.status, last: history.at(-1)?.type, calls: callsOf(engine, machine) };
    },
    expected: { states: ["Claim"], end: "ABORTED", last: "ExecutionAborted", calls: 1 },
  },
  {
    title: "a stopped execution is taken over under a new name, and its own stays taken",
    machine: waiting,
    async play(engine, machine) {
      const first = await start(engine, machine, ref, name);
      await entered(engine, first, "Wait");
      await stop(engine, first);
      await finish(engine, first);
      const same = await errorOf(start(engine, machine, ref, name));
      const second = await finish(engine, await start(engine, machine, takeOver.ref, takeOver.name));
      const { end } = await finish(engine, first);
      return { same, states: second.states, end: second.end, first: end.status };
    },
    expected: {
      same: "ExecutionAlreadyExists",
      states: ["Claim", "Observe", "Route", "Done"],
      end: { status: "SUCCEEDED" },
      first: "ABORTED",
    },
  },
  {
    title: "stopping what has ended changes nothing",
    machine: done,
    async play(engine, machine) {
      const executionArn = await start(engine, machine, ref, name);
      const before = await finish(engine, executionArn);
      await stop(engine, executionArn, { error: "Late" });
      const after = await finish(engine, executionArn);
      return {
        end: after.end,
        events: after.history.length - before.history.length,
        stopped: Number(after.description.stopDate) - Number(before.description.stopDate),
      };
    },
    expected: { end: { status: "SUCCEEDED" }, events: 0, stopped: 0 },
  },
  {
    title: "an execution that takes too long is TIMED_OUT, without error or cause",
    machine: reconcile({ "claim-operation": claimed, "observe-resource": [waits] }, { TimeoutSeconds: 8 }),
    async play(engine, machine) {
      const { states, description, history } = await finish(engine, await start(engine, machine, ref, name));
      const { status, error, cause } = description;
      const last = history.at(-1);
      return { states, status, error, cause, last: { type: last?.type, details: last?.details } };
    },
    expected: {
      states: ["Claim", "Observe", "Route", "Wait"],
      status: "TIMED_OUT",
      error: undefined,
      cause: undefined,
      last: { type: "ExecutionTimedOut", details: {} },
    },
  },
  {
    title: "a history can be read from its end",
    machine: done,
    async play(engine, machine) {
      const executionArn = await start(engine, machine, ref, name);
      await finish(engine, executionArn);
      const read = async (reverseOrder: boolean) =>
        (await engine.client.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder }))).events ?? [];
      const [forward, back] = [await read(false), await read(true)];
      return { first: back[0]?.type, reversed: back.reverse().map(({ id }) => id), ids: forward.map(({ id }) => id) };
    },
    expected: {
      first: "ExecutionSucceeded",
      reversed: Array.from({ length: 16 }, (_, index) => index + 1),
      ids: Array.from({ length: 16 }, (_, index) => index + 1),
    },
  },
  {
    title: "executions are listed newest first, and by status",
    machine: reconcile({ "claim-operation": claimed, "observe-resource": [ends, waits, waits, ends] }),
    async play(engine, machine) {
      await finish(engine, await start(engine, machine, ref, "one"));
      const two = await start(engine, machine, ref, "two");
      await entered(engine, two, "Wait");
      const three = await start(engine, machine, ref, "three");
      await entered(engine, three, "Wait");
      await stop(engine, two);
      await finish(engine, two);
      const listed = async (statusFilter?: "RUNNING" | "SUCCEEDED" | "ABORTED" | "FAILED") => {
        const query = { stateMachineArn: engine.machineArn(machine), statusFilter };
        return (await engine.client.send(new ListExecutionsCommand(query))).executions?.map(
          (execution) => execution.name,
        );
      };
      const seen = {
        all: await listed(),
        RUNNING: await listed("RUNNING"),
        SUCCEEDED: await listed("SUCCEEDED"),
        ABORTED: await listed("ABORTED"),
        FAILED: await listed("FAILED"),
      };
      await stop(engine, three);
      return seen;
    },
    expected: { all: ["three", "two", "one"], RUNNING: ["three"], SUCCEEDED: ["one"], ABORTED: ["two"], FAILED: [] },
  },
  {
    title: "what is not there, or makes no sense, is refused by its name",
    machine: done,
    async play(engine, machine) {
      const { client } = engine;
      const stateMachineArn = engine.machineArn(machine);
      const executionArn = stateMachineArn.replace("stateMachine", "execution").concat(":never");
      const nowhere = engine.machineArn("nowhere");
      return {
        "no JSON": await errorOf(client.send(new StartExecutionCommand({ stateMachineArn, input: "{oops" }))),
        "no machine": await errorOf(client.send(new StartExecutionCommand({ stateMachineArn: nowhere }))),
        "no ARN of a machine": await errorOf(client.send(new StartExecutionCommand({ stateMachineArn: "reconcile" }))),
        "nothing to describe": await errorOf(client.send(new DescribeExecutionCommand({ executionArn }))),
        "nothing to stop": await errorOf(client.send(new StopExecutionCommand({ executionArn }))),
        "nothing to tell of": await errorOf(client.send(new GetExecutionHistoryCommand({ executionArn }))),
        "nothing to list": await errorOf(client.send(new ListExecutionsCommand({ stateMachineArn: nowhere }))),
        "no ARN of an execution": await errorOf(client.send(new StopExecutionCommand({ executionArn: "never" }))),
      };
    },
    expected: {
      "no JSON": "InvalidExecutionInput",
      "no machine": "StateMachineDoesNotExist",
      "no ARN of a machine": "InvalidArn",
      "nothing to describe": "ExecutionDoesNotExist",
      "nothing to stop": "ExecutionDoesNotExist",
      "nothing to tell of": "ExecutionDoesNotExist",
      "nothing to list": "StateMachineDoesNotExist",
      "no ARN of an execution": "InvalidArn",
    },
  },
];

async function stop({ client }: Engine, executionArn: string, why: { error?: string; cause?: string } = {}) {
  await client.send(new StopExecutionCommand({ executionArn, ...why }));
}

async function errorOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "none",
    (error: Error) => error.name,
  );
}

function callsOf({ lambda }: Engine, machine: string): number {
  return lambda.calls.filter(({ name: called }) => called === `${machine}-claim-operation`).length;
}

async function calledTimes(engine: Engine, machine: string, times: number): Promise<void> {
  await until(async () => callsOf(engine, machine) >= times);
}

async function entered({ client }: Engine, executionArn: string, state: string): Promise<void> {
  await until(async () => {
    const { events = [] } = await client.send(new GetExecutionHistoryCommand({ executionArn }));
    return events.some(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === state);
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const last = Date.now() + 60_000; !(await holds()); ) {
    if (Date.now() > last) throw new Error("it has not come to that after a minute");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
