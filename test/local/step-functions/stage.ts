import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { InvokeResult } from "../../../local/lambda/errors.ts";
import { type StepFunctions, startStepFunctions } from "../../../local/step-functions/step-functions.ts";

export const region = "eu-central-1";
export const accountId = "000000000000";

/** A function of the stage: gets the event and how often it was called before; what it throws is its error. */
export type StageFunction = (event: unknown, calls: number) => unknown;

export type Stage = {
  server: StepFunctions;
  client: SFNClient;
  calls: { name: string; event: unknown }[];
  start(machine: string, input?: unknown, name?: string): Promise<string>;
  /** Waits for the execution to close. */
  finish(executionArn: string): Promise<DescribeExecutionCommandOutput>;
  run(machine: string, input?: unknown): Promise<DescribeExecutionCommandOutput>;
  /** The first thousand events. */
  history(executionArn: string): Promise<HistoryEvent[]>;
  stop(graceMs?: number): Promise<void>;
};

export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), "cairn sfn "));
export const remove = (path: string): void => rmSync(path, { recursive: true, force: true });

/** A server in `directory` with these machines and functions, and the real client for it. */
export async function openStage(
  directory: string,
  machines: { [name: string]: object },
  functions: { [name: string]: StageFunction },
  now?: () => number,
): Promise<Stage> {
  const calls: Stage["calls"] = [];
  const invoke = async (functionArn: string, event: unknown): Promise<InvokeResult> => {
    const name = functionArn.split(":").at(-1) ?? "";
    const before = calls.filter((call) => call.name === name).length;
    calls.push({ name, event: structuredClone(event) });
    const failed = (by: "service" | "function", error: { errorType: string; errorMessage: string }): InvokeResult => ({
      ok: false,
      by,
      requestId: "r",
      error,
    });
    const run = functions[name];
    if (run === undefined)
      return failed("service", { errorType: "ResourceNotFoundException", errorMessage: functionArn });
    try {
      return { ok: true, payload: (await run(event, before)) ?? null };
    } catch (error) {
      return failed("function", { errorType: (error as Error).name, errorMessage: (error as Error).message });
    }
  };
  const database = join(directory, "executions.sqlite");
  const server = await startStepFunctions({ machines, invoke, database, region, accountId, namePrefix: "cairn-", now });
  const client = new SFNClient({
    endpoint: server.url,
    region,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    disableHostPrefix: true,
    maxAttempts: 1,
  });

  async function start(machine: string, input: unknown = {}, name?: string): Promise<string> {
    const stateMachineArn = `${server.arnPrefix}${machine}`;
    const answer = await client.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input), name }),
    );
    return answer.executionArn ?? "";
  }

  async function finish(executionArn: string): Promise<DescribeExecutionCommandOutput> {
    for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
      const found = await client.send(new DescribeExecutionCommand({ executionArn }));
      if (found.status !== "RUNNING") return found;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  return {
    server,
    client,
    calls,
    start,
    finish,
    run: async (machine, input) => finish(await start(machine, input)),
    history: async (executionArn) => {
      const answer = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
      return answer.events ?? [];
    },
    stop: async (graceMs = 0) => {
      client.destroy();
      await server.close(graceMs);
    },
  };
}

/** A machine of one Task. */
export const oneTask = (name: string, more: object = {}, rest: object = {}) => ({
  StartAt: "Work",
  States: { Work: { Type: "Task", Resource: `\${${name}}`, End: true, ...more }, ...rest },
});

/** An error as a function throws it. */
export function named(name: string, message = "as told"): Error {
  return Object.assign(new Error(message), { name });
}
