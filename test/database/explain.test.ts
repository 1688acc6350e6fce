// Past 300 lines: one seeded database of 100,000 resources costs ten seconds, so that all plans are looked at in one file.

import type pg from "pg";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResourceFilter } from "../../core/store.ts";
import { catalogSql } from "../../database/catalog.ts";
import { driftSql, findingList } from "../../database/drift.ts";
import { gaugesQuery } from "../../database/gauges.ts";
import { contextQuery, intentById } from "../../database/intents.ts";
import { operationSql } from "../../database/operations.ts";
import { eventList, resourceById, resourceList } from "../../database/resources.ts";
import { inScope, pageOf } from "../../database/scoped.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import { acceptanceOf, again, create, lease, type Place, ready } from "./fixture.ts";
import { seed } from "./seed.ts";

type Node = {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: Node[];
};
type Role = "api" | "platform" | "worker";
type Values = { readonly [name: string]: string | number | boolean | null };

const place: Place = { team: "team-007", service: "service-3", environment: "staging" };
/** Tables that hold a few hundred rows at most, whatever the platform's size. */
const small = /^(environments|targets|teams|migrations)$/;

let store: TestStore;
const sessions: Partial<Record<Role | "superuser", pg.Client>> = {};
let ids: { resource: string; operation: string; intent: string; decision: string; run: string };
beforeAll(async () => {
  store = await createTestStore();
  for (const role of ["api", "platform", "worker", "superuser"] as const) sessions[role] = await store.session(role);
  await seed(as("superuser"));
  const { rows } = await as("superuser").query(
    `select r.id as resource, r.operation_id as operation, r.decision_id as decision, i.intent_id as intent,
       (select id from cairn.drift_runs order by id desc limit 1) as run
     from cairn.resources r join cairn.intent_resources i on i.team_id = r.team_id and i.resource_id = r.id
     where r.team_id = $1 and r.service = $2 and r.environment = $3 and r.status = 'READY' limit 1`,
    [place.team, place.service, place.environment],
  );
  ids = rows[0];
});
afterAll(async () => {
  await Promise.all(Object.values(sessions).map((session) => session.end()));
  await store?.close();
});

function as(role: Role | "superuser"): pg.Client {
  const session = sessions[role];
  if (session === undefined) throw new Error(`no session of ${role}`);
  return session;
}

/** The Data API's named parameters as the driver's numbered ones; a cast's two colons are no name. */
function numbered(sql: string, parameters: Values): { text: string; values: (string | number | boolean | null)[] } {
  const names = Object.keys(parameters);
  const text = sql.replaceAll(
    /(?<!:):([a-z]\w*)/gi,
    (_, name: string) => `$${names.indexOf(name) + 1}${castOf(parameters[name])}`,
  );
  return { text, values: Object.values(parameters) };
}
const castOf = (value: unknown) => (typeof value === "number" ? "::bigint" : "");

async function explain(
  role: Role,
  sql: string,
  parameters: Values,
): Promise<{ returned: number; read: number; seqScans: string[] }> {
  const used = Object.fromEntries(
    Object.entries(parameters).filter(([name]) => new RegExp(`(?<!:):${name}\\b`).test(sql)),
  );
  const { text, values } = numbered(sql, used);
  await as(role).query("begin");
  try {
    const { rows } = await as(role).query(`explain (analyze, format json) ${text}`, values);
    const plan = rows[0]?.["QUERY PLAN"][0].Plan as Node;
    const scans = nodesOf(plan).filter(
      (node) =>
        node["Relation Name"] !== undefined && !small.test(node["Relation Name"]) && /Scan/.test(node["Node Type"]),
    );
    return {
      returned: plan["Actual Rows"],
      read: scans.reduce((sum, node) => sum + rowsOf(node), 0),
      // A partition of another month holds nothing, and reading nothing is no scan of a big table.
      seqScans: scans
        .filter((node) => node["Node Type"] === "Seq Scan" && rowsOf(node) > 0)
        .map((node) => node["Relation Name"] ?? ""),
    };
  } finally {
    await as(role).query("rollback");
  }
}

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
const rowsOf = (node: Node) =>
  (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0)) *
  node["Actual Loops"];

const first = { limit: 51, cursor: null };
const list = (filter: ResourceFilter, cursor: string | null = null) => {
  const built = resourceList(filter, { limit: 50, cursor });
  return { sql: pageOf(built.list), parameters: { ...built.parameters, ...first, cursor } };
};
const findings = (filter: Parameters<typeof findingList>[0]) => {
  const built = findingList(filter, { limit: 50, cursor: null });
  return { sql: pageOf(built.list), parameters: { ...built.parameters, ...first } };
};

/** `tables`: how many tables give a row each to one row of the answer. */
type Case = { reason: string; roles: readonly Role[]; make: () => { sql: string; parameters: Values }; tables: number };
const both = ["api", "platform"] as const;
const reads: Case[] = [
  {
    reason: "one resource",
    roles: both,
    make: () => ({ sql: resourceById, parameters: { id: ids.resource } }),
    tables: 1,
  },
  { reason: "the resources", roles: both, make: () => list({}), tables: 1 },
  { reason: "a team's resources", roles: both, make: () => list({ team: place.team }), tables: 1 },
  {
    reason: "a service's resources",
    roles: both,
    make: () => list({ team: place.team, service: place.service }),
    tables: 1,
  },
  { reason: "a service's in an environment", roles: both, make: () => list({ ...place }), tables: 1 },
  {
    reason: "an environment's resources",
    roles: both,
    make: () => list({ team: place.team, environment: place.environment }),
    tables: 1,
  },
  { reason: "resources of a type", roles: both, make: () => list({ team: place.team, type: "redis" }), tables: 1 },
  { reason: "resources in a status", roles: both, make: () => list({ status: "FAILED" }), tables: 1 },
  {
    reason: "a later page of what is in a status",
    roles: both,
    make: () => list({ status: "FAILED" }, ids.resource),
    tables: 1,
  },
  { reason: "a later page of the resources", roles: both, make: () => list({}, ids.resource), tables: 1 },
  { reason: "deleted resources", roles: both, make: () => list({ status: "DELETED" }), tables: 1 },
  {
    reason: "a timeline",
    roles: both,
    make: () => ({ sql: pageOf(eventList), parameters: { id: ids.resource, ...first } }),
    tables: 2,
  },
  { reason: "one intent", roles: both, make: () => ({ sql: intentById, parameters: { id: ids.intent } }), tables: 3 },
  {
    reason: "all that an intent is decided on",
    roles: both,
    make: () => ({ sql: contextQuery, parameters: { ...place, names: null, key: "k7", after: null } }),
    tables: 3,
  },
  {
    reason: "one decision",
    roles: both,
    make: () => ({ sql: catalogSql.decision, parameters: { id: ids.decision } }),
    tables: 1,
  },
  {
    reason: "one service",
    roles: both,
    make: () => ({ sql: catalogSql.service, parameters: { team: place.team, service: place.service } }),
    tables: 1,
  },
  {
    reason: "the services",
    roles: both,
    make: () => ({ sql: pageOf(catalogSql.services), parameters: { team: null, ...first } }),
    tables: 1,
  },
  {
    reason: "the drift reports",
    roles: ["api"],
    make: () => ({ sql: pageOf(driftSql.reports), parameters: first }),
    tables: 4,
  },
  { reason: "findings", roles: both, make: () => findings({}), tables: 2 },
  { reason: "past findings", roles: both, make: () => findings({ resolved: true }), tables: 2 },
  {
    reason: "a resource's findings",
    roles: both,
    make: () => findings({ team: place.team, resource: ids.resource }),
    tables: 2,
  },
];

describe.each(reads)("reading $reason", ({ roles, make, tables }) => {
  test.each(roles)("as %s scans indexes and reads at most three rows a table for each returned", async (role) => {
    const { sql, parameters } = make();
    const scope = role === "api" ? place.team : "";
    const { returned, read, seqScans } = await explain(role, inScope(sql), { ...parameters, scope });
    expect(seqScans).toEqual([]);
    expect(read).toBeLessThanOrEqual(3 * tables * Math.max(returned, 1));
  });
});

test("the workers' reads scan indexes", async () => {
  const batch = JSON.stringify([{ team: place.team, id: ids.resource }]);
  const ref = { team: place.team, operation: ids.operation, epoch: 1 };
  for (const [sql, parameters] of [
    [driftSql.work, { batch }],
    [operationSql.work, { ...ref, lease }],
    [operationSql.workToSend, { ...ref, lease, sentHash: "s", found: true, beyond: 0 }],
  ] as const) {
    const { returned, read, seqScans } = await explain("worker", sql, parameters);
    expect(seqScans).toEqual([]);
    expect(read).toBeLessThanOrEqual(3 * 4 * Math.max(returned, 1));
  }
});

test("the gauges read no more than they count, and the edges of indexes", async () => {
  const { read, seqScans } = await explain("worker", gaugesQuery, { sweepSeconds: 60 });
  const { rows } = await as("superuser").query<{ failed: number }>(
    "select count(*)::integer as failed from cairn.resources where status = 'FAILED'",
  );
  expect(seqScans).toEqual([]);
  // One for the oldest drift; the seed has no operation that is open.
  expect(read).toBeLessThanOrEqual((rows[0]?.failed ?? 0) + 1);
});

/** Rows that sequential scans of what grows have read so far in this transaction. */
const scanned = `select coalesce(json_object_agg(relname, seq_tup_read), '{}') as scanned from pg_stat_xact_user_tables
  where schemaname = 'cairn' and seq_tup_read > 0 and relname !~ '^(environments|targets|target_budgets|budget_shares|breakers|drift_halts|teams|migrations)'`;

/** Calls a function in one session until its statements have their lasting plans, and says what was read by sequential scan. */
async function scansOf(role: Role, calls: readonly { sql: string; values: (string | number)[] }[]): Promise<unknown> {
  const session = as(role);
  await session.query("begin");
  try {
    for (const { sql, values } of calls) await session.query(sql, values);
    return (await session.query<{ scanned: unknown }>(scanned)).rows[0]?.scanned;
  } finally {
    await session.query("rollback");
  }
}

/** plpgsql settles on a generic plan after five. */
const often = Array.from({ length: 7 }, (_, index) => index);

test("accepting scans no big table, however often it runs", async () => {
  const calls = often.map((index) => {
    const { scope: _, ...payload } = acceptanceOf(place, [
      create(`new-${index}`, [ids.resource]),
      create(`more-${index}`),
    ]);
    return { sql: "select cairn.accept_intent($1, 60)", values: [JSON.stringify({ ...payload, scope: place.team })] };
  });
  expect(await scansOf("api", calls)).toEqual({});
  const asPlatform = often.map((index) => {
    const { scope: _, ...payload } = acceptanceOf(place, [create(`p-${index}`), again("none", ids.resource, "r", 2)]);
    return { sql: "select cairn.accept_intent($1, 60)", values: [JSON.stringify({ ...payload, scope: "" })] };
  });
  expect(await scansOf("platform", asPlatform)).toEqual({});
});

test("claiming, advancing and settling scan no big table", async () => {
  const operations = await openOperations(often.length);
  const calls = operations.flatMap((operation) => [
    { sql: "select cairn.claim_operation($1, $2, 1, 60)", values: [place.team, operation] },
    {
      sql: "select cairn.advance_and_charge($1, $2, 1, $3)",
      values: [place.team, operation, JSON.stringify({ ...ready({ changed: "yes" }), beyond: 9 })],
    },
  ]);
  expect(await scansOf("worker", calls)).toEqual({});
});

test("a sweep scans no big table, idle or busy", async () => {
  const idle = often.map(() => ({ sql: "select cairn.sweep(100, 60)", values: [] }));
  expect(await scansOf("worker", idle)).toEqual({});
  await openOperations(100);
  await as("superuser").query(
    "update cairn.operations set due_at = now() - interval '1 minute' where status in ('PENDING', 'RUNNING', 'WAITING')",
  );
  expect(
    await scansOf(
      "worker",
      often.map(() => ({ sql: "select cairn.sweep(10, 60)", values: [] })),
    ),
  ).toEqual({});
});

test("drift scans no big table, but for the findings that are open when a run is closed", async () => {
  await as("superuser").query(
    "update cairn.resources set drift_due_at = now() where team_id = $1 and status = 'READY'",
    [place.team],
  );
  const run = newId();
  const sights = JSON.stringify([
    {
      team: place.team,
      id: ids.resource,
      generation: 2,
      seen: true,
      differences: [{ pointer: "/Z", expected: 1, actual: 2 }],
    },
  ]);
  const calls = often.flatMap(() => [
    { sql: "select cairn.claim_drift($1, 25, 3600)", values: [run] },
    { sql: "select cairn.record_drift($1, $2)", values: [newId(), sights] },
  ]);
  expect(await scansOf("worker", calls)).toEqual({});
});

test("believing what a run missed scans no big table, nor does doubting it", async () => {
  const { rows } = await as("superuser").query<{ team: string; id: string; generation: number }>(
    `select team_id as team, id, generation::integer from cairn.resources
     where environment = 'staging' and status = 'READY' order by id limit 60`,
  );
  const differences = [{ pointer: "", expected: "present", actual: "absent" }];
  const calls = often.flatMap((index) => {
    const run = newId();
    const missed = rows.slice(index * 6, index * 6 + (index % 2 === 0 ? 4 : 6));
    const sights = JSON.stringify(missed.map((row) => ({ ...row, seen: true, differences })));
    return [
      { sql: "select cairn.claim_drift($1, 0, 3600)", values: [run] },
      { sql: "select cairn.record_drift($1, $2)", values: [run, sights] },
      { sql: "select cairn.believe_missing(d, 0) from cairn.drift_runs d where id = $1", values: [run] },
    ];
  });
  expect(await scansOf("worker", calls)).toEqual({});
});

describe("while 100,000 operations of 200 teams wait for a budget and for breakers", () => {
  beforeAll(async () => {
    const owner = as("superuser");
    await owner.query(
      "update cairn.operations set status = 'SUCCEEDED' where status in ('PENDING', 'RUNNING', 'WAITING')",
    );
    await owner.query(
      `insert into cairn.operations (team_id, id, resource_id, generation, kind, status, due_at, definition, decided_hash,
         decision_id, token, gate, environment, provider, service)
       select r.team_id, cairn.uuid7(), r.id, 3, 'apply', 'WAITING', now() - interval '1 hour', r.definition, 'h', r.decision_id, 't',
         case r.environment when 'staging' then 'BUDGET' else 'BREAKER' end, r.environment, 'aws', 'AWS::S3'
       from cairn.resources r`,
    );
    await owner.query(
      "insert into cairn.targets values ('development', 'aws', '{}'), ('production', 'aws', '{}') on conflict do nothing",
    );
    await owner.query(
      `insert into cairn.budget_shares (team_id, environment, provider, tokens, waits)
       select team_id, 'staging', 'aws', 1, true from cairn.teams`,
    );
    await owner.query("insert into cairn.target_budgets values ('staging', 'aws', 50)");
    await owner.query(
      `insert into cairn.breakers (environment, provider, service, state, retry_at)
       select environment, 'aws', 'AWS::S3', 'OPEN', now() - interval '1 second' from cairn.environments`,
    );
    await owner.query("analyze cairn.operations, cairn.budget_shares");
  });

  /** In a session of its own: what another transaction has counted there is not told apart. */
  async function sweepOnce(tables: string) {
    const session = await store.session("worker");
    await session.query("begin");
    const { rowCount } = await session.query("select cairn.sweep(100, 60)");
    const { rows } = await session.query<{ scanned: number; fetched: number; written: number }>(
      `select coalesce(sum(seq_tup_read), 0)::integer as scanned, coalesce(sum(idx_tup_fetch), 0)::integer as fetched,
         coalesce(sum(n_tup_upd), 0)::integer as written
       from pg_stat_xact_user_tables where schemaname = 'cairn' and relname ~ ('^' || $1::text)`,
      [tables],
    );
    await session.query("rollback");
    await session.end();
    if (rows[0] === undefined) throw new Error("no statistics");
    return { started: rowCount ?? 0, ...rows[0] };
  }

  test("the sweep reads what it lets through, not what waits", async () => {
    await as("superuser").query("delete from cairn.breakers where environment = 'staging'");
    const { started, scanned, fetched, written } = await sweepOnce("operations_");
    // A probe for each of two breakers, and the operations whose calls a budget of 50 holds, with the debt that newcomers may make.
    expect(started).toBe(2 + (50 + 25) / 5);
    expect({ scanned, written }).toEqual({ scanned: 0, written: started });
    expect(fetched).toBeLessThan(4 * 17);
  });

  test("a sweep that lets nothing through reads next to nothing", async () => {
    await as("superuser").query("update cairn.target_budgets set tokens = -25, filled_at = now()");
    await as("superuser").query("update cairn.breakers set retry_at = now() + interval '1 hour'");
    const { started, fetched, written } = await sweepOnce("");
    expect(started).toBe(0);
    expect(fetched).toBeLessThan(50);
    expect(written).toBeLessThan(10);
  });

  test("accepting, claiming and advancing scan no big table", async () => {
    const accepting = often.map((index) => {
      const { scope: _, ...payload } = acceptanceOf(place, [create(`while-${index}`)]);
      return { sql: "select cairn.accept_intent($1, 60)", values: [JSON.stringify({ ...payload, scope: place.team })] };
    });
    expect(await scansOf("api", accepting)).toEqual({});
    const operations = await openOperations(often.length);
    const working = operations.flatMap((operation) => [
      { sql: "select cairn.claim_operation($1, $2, 1, 60)", values: [place.team, operation] },
      {
        sql: "select cairn.advance_and_charge($1, $2, 1, $3)",
        values: [place.team, operation, JSON.stringify({ ...ready({ changed: "yes" }), beyond: 9 })],
      },
    ]);
    expect(await scansOf("worker", working)).toEqual({});
  });

  test.each(both)("what waits is counted for the targets as %s by an index", async (role) => {
    const parameters = { environment: "staging", ...first, scope: role === "api" ? place.team : "" };
    const { seqScans } = await explain(role, inScope(pageOf(catalogSql.targets)), parameters);
    expect(seqScans.filter((table) => table.startsWith("operations"))).toEqual([]);
  });
});

/** Current operations of READY resources put back to the start, as an acceptance leaves them. */
async function openOperations(count: number): Promise<string[]> {
  const { rows } = await as("superuser").query<{ id: string }>(
    `update cairn.operations o set status = 'PENDING', finished_at = null, token_used_at = null, due_at = 'infinity'
     from (select operation_id, team_id from cairn.resources where team_id = $1 and status = 'READY' order by id limit $2) r
     where o.team_id = r.team_id and o.id = r.operation_id returning o.id`,
    [place.team, count],
  );
  return rows.map(({ id }) => id);
}
