import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Breaker, Target } from "../../core/catalog.ts";
import type { IntentView } from "../../core/intent.ts";
import type { Resource } from "../../core/resource.ts";
import { type HttpClient, type LedgerItem, ledgerOf, type TestMachine } from "./machine.ts";

/** `failures_to_open` of `cairn.note_answer`, and the seconds between two probes. */
export const threshold = 8;
export const probeSeconds = 10;

export type SimCall = { at: string; operation: string; typeName: string | null; result: string };

/** Makes so many of a type in one service, a hundred to an intent at most. */
export async function applyMany(
  send: HttpClient,
  place: { team: string; service: string; environment: string },
  type: string,
  count: number,
): Promise<string[]> {
  const intents: string[] = [];
  for (let from = 0; from < count; from += 100) {
    const names = Array.from({ length: Math.min(100, count - from) }, (_, index) => `r${from + index}`);
    const resources = Object.fromEntries(names.map((name) => [name, { type }]));
    const answer = await send<IntentView>(
      "POST",
      "/v1/intents",
      { action: "apply", ...place, resources },
      { "idempotency-key": randomUUID() },
    );
    if (answer.status !== 202)
      throw new Error(`an intent was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    intents.push(answer.body.id);
  }
  return intents;
}

export async function allResources(send: HttpClient, service: string): Promise<Resource[]> {
  const items: Resource[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { items: Resource[]; nextCursor: string | null } = (
      await send<{ items: Resource[]; nextCursor: string | null }>(
        "GET",
        `/v1/resources?service=${service}&limit=100${cursor === "" ? "" : `&cursor=${cursor}`}`,
      )
    ).body;
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

/** Waits until each resource of a service is READY; says which are not when that takes too long. */
export async function allReady(send: HttpClient, service: string, withinSeconds: number): Promise<void> {
  for (const until = Date.now() + withinSeconds * 1000; ; await sleep(500)) {
    const late = (await allResources(send, service)).filter(({ status }) => status !== "READY");
    if (late.length === 0) return;
    if (Date.now() > until) {
      const [one] = late;
      throw new Error(
        `${late.length} of ${service} are not READY; ${one?.name} is ${one?.status}: ${one?.reason?.message}`,
      );
    }
  }
}

export async function targetOf({ developer }: TestMachine, environment: string): Promise<Target | undefined> {
  const { body } = await developer<{ items: Target[] }>("GET", `/v1/targets?environment=${environment}`);
  return body.items.find(({ provider }) => provider === "aws");
}

export async function breakerOf(
  machine: TestMachine,
  environment: string,
  service: string,
): Promise<Breaker | undefined> {
  return (await targetOf(machine, environment))?.breakers.find((each) => each.service === service);
}

export async function callsSince({ endpoints }: TestMachine, since: string, typeName?: string): Promise<SimCall[]> {
  const response = await fetch(`${endpoints.cloudControl}/_sim/calls?since=${since}`);
  const { items } = (await response.json()) as { items: SimCall[] };
  return typeName === undefined ? items : items.filter((call) => call.typeName === typeName);
}

/** Live objects of a service: derived names begin with it. */
export async function liveObjects(
  { endpoints }: TestMachine,
  typeName: string,
  service: string,
): Promise<LedgerItem[]> {
  return (await ledgerOf(endpoints)).filter(
    (item) =>
      item.typeName === typeName &&
      item.deletedAt === null &&
      JSON.stringify(item.properties).includes(`"${service}-r`),
  );
}

/**
 * How many operations had been let through to the provider and had no answer yet when its breaker opened, beside the one whose
 * answer opened it. Told by the audit log, which has an entry for every step in the order of writing.
 */
export async function inFlightWhenOpened(machine: TestMachine, service: string): Promise<number> {
  const rows = await ask<{ count: number }>(
    machine,
    `with opened as (
         select min(a.id::text) as id from cairn.audit_log a
         where a.event = 'breaker.opened' and a.detail->>'service' = $1
       ), last as (
         select distinct on (a.operation_id) a.event
         from cairn.audit_log a join cairn.operations o on o.team_id = a.team_id and o.id = a.operation_id, opened
         where a.id::text < opened.id and cairn.provider_service(o.definition->>'kind') = $1
         order by a.operation_id, a.id desc
       ) select count(*)::integer from last where event = 'operation.claimed'`,
    [service],
  );
  return (rows[0]?.count ?? 0) - 1;
}

/** Calls that a service's operations have taken from their budget: those reserved for each, and those beyond. */
export async function chargedCalls(machine: TestMachine, service: string): Promise<number> {
  const rows = await ask<{ calls: number }>(
    machine,
    `select sum(cairn.calls_reserved() - least(o.calls_left, 0))::integer as calls
     from cairn.operations o join cairn.resources r on r.team_id = o.team_id and r.id = o.resource_id where r.service = $1`,
    [service],
  );
  return rows[0]?.calls ?? 0;
}

/** How many calls a second each target of the provider `aws` takes. */
export async function setRates(machine: TestMachine, requestsPerSecond: number): Promise<void> {
  await ask(
    machine,
    `update cairn.targets set config = config || jsonb_build_object('requestsPerSecond', $1::double precision)
     where provider = 'aws'`,
    [requestsPerSecond],
  );
}

async function ask<Row>({ endpoints }: TestMachine, sql: string, values: unknown[]): Promise<Row[]> {
  const url = new URL(endpoints.postgres);
  url.pathname = `/${endpoints.store.database}`;
  const session = new pg.Client({ connectionString: url.href });
  await session.connect();
  try {
    return (await session.query(sql, values)).rows as Row[];
  } finally {
    await session.end();
  }
}

/** Objects a second, by the cloud's own clock. */
export function paceOf(made: LedgerItem[]): number {
  const times = made.map(({ createdAt }) => Date.parse(createdAt)).sort((one, other) => one - other);
  return ((times.length - 1) * 1000) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
}
