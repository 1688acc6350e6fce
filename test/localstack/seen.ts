import { setTimeout as sleep } from "node:timers/promises";
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  type HistoryEvent,
  paginateGetExecutionHistory,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { Engine } from "./engines.ts";

/** An execution as its engine tells of it, from outside. */
export type Seen = {
  /** In the order in which they were entered. */
  states: string[];
  end: { status: string; error?: string };
  history: PlainEvent[];
  description: DescribeExecutionCommandOutput;
};

/** An event without its time. Data is parsed, since only its spelling as JSON may differ. */
export type PlainEvent = { id: number; previousEventId: number; type: string; details: { [field: string]: unknown } };

export async function start(engine: Engine, machine: string, input: object, name: string): Promise<string> {
  const stateMachineArn = engine.machineArn(machine);
  const answer = await engine.client.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
  );
  return answer.executionArn ?? "";
}

export async function finish(engine: Engine, executionArn: string): Promise<Seen> {
  for (const last = Date.now() + 5 * 60_000; ; ) {
    const description = await engine.client.send(new DescribeExecutionCommand({ executionArn }));
    if (description.status !== "RUNNING") return see(engine, description);
    if (Date.now() > last) throw new Error(`${executionArn} is still running after five minutes`);
    await sleep(250);
  }
}

async function see(engine: Engine, description: DescribeExecutionCommandOutput): Promise<Seen> {
  const { executionArn, status = "", error } = description;
  const history: PlainEvent[] = [];
  for await (const page of paginateGetExecutionHistory({ client: engine.client, pageSize: 7 }, { executionArn }))
    history.push(...(page.events ?? []).map(plain));
  const states = history.filter(({ type }) => type.endsWith("StateEntered")).map(({ details }) => String(details.name));
  return { states, end: { status, ...(error === undefined ? {} : { error }) }, history, description };
}

function plain({ id = 0, previousEventId = 0, type, timestamp: _, ...members }: HistoryEvent): PlainEvent {
  const [details = {}, ...others] = Object.values(members).filter((member) => member !== undefined);
  if (others.length > 0) throw new Error(`event ${id} has the details of two types`);
  const fields = Object.entries(details as object).filter(([name]) => name !== "roleArn");
  return {
    id,
    previousEventId,
    type: String(type),
    details: Object.fromEntries(fields.map(([name, value]) => [name, parsed(value)])),
  };
}

function parsed(value: unknown): unknown {
  try {
    return typeof value === "string" ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}
