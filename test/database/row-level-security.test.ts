import type pg from "pg";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestStore, type TestStore } from "../support/store.ts";
import { accept, acceptanceOf, caller, create, lease, makeReady, newPlace, type Place, remove } from "./fixture.ts";

const callers = ["api", "platform", "worker"] as const;
/** What belongs to the platform and says nothing of a team: environments, where things live, and what protects them. */
const everybodys = ["environments", "targets", "target_budgets", "breakers", "drift_halts"];
/** Nobody's but the owner's. */
const owners = ["migrations"];

let store: TestStore;
let sessions: Record<(typeof callers)[number] | "superuser", pg.Client>;
let ours: Place;
let theirs: Place;
let theirResource: string;
beforeAll(async () => {
  store = await createTestStore();
  await store.as("owner").rows(`insert into cairn.targets values ('staging', 'aws', '{"requestsPerSecond": 1000}')`);
  [ours, theirs] = [await newPlace(store), await newPlace(store)];
  for (const place of [ours, theirs]) theirResource = await fill(place);
  sessions = {
    api: await store.session("api"),
    platform: await store.session("platform"),
    worker: await store.session("worker"),
    superuser: await store.session("superuser"),
  };
});
afterAll(async () => {
  await Promise.all(Object.values(sessions ?? {}).map((session) => session.end()));
  await store?.close();
});

/** At least one row in each table that a team has rows in. */
async function fill(place: Place): Promise<string> {
  const db = await makeReady(store, place, "db");
  for (const ref of await accept(store, place, [create("url", [db])])) await store.worker.claim(ref, lease);
  await store.api.abandonResource("platform", caller, await makeReady(store, place, "lost"));
  const run = newId();
  await store.api.openVerification({ team: place.team }, caller, run, db);
  const differences = [{ pointer: "/A", expected: 1, actual: 2 }];
  const sight = { team: place.team, id: db, generation: 1, seen: true, differences } as const;
  await store.drift.recordDrift(run, [sight]);
  await store.drift.recordDrift(newId(), [sight]);
  return db;
}

type Table = { name: string; teamColumn: string | null };

async function tables(): Promise<Table[]> {
  const { rows } = await sessions.superuser.query<Table>(`
    select c.relname as name, (
      select a.attname from pg_attribute a
      where a.attrelid = c.oid and a.attname in ('team_id', 'resource_team') and not a.attisdropped) as "teamColumn"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'cairn' and c.relkind in ('r', 'p') and not c.relispartition order by 1`);
  return rows;
}

/** In a transaction that ends in nothing, as the API does it for a team. */
async function as<T>(session: pg.Client, team: string | null, work: () => Promise<T>): Promise<T> {
  await session.query("begin");
  try {
    if (team !== null) await session.query("select set_config('cairn.team', $1, true)", [team]);
    return await work();
  } finally {
    await session.query("rollback");
  }
}

const count = async (session: pg.Client, table: string, condition = "true", values: string[] = []) =>
  Number((await session.query(`select count(*) from cairn.${table} where ${condition}`, values)).rows[0]?.count);

test("every table but the platform's own names its team, and both teams have rows in it", async () => {
  for (const { name, teamColumn } of await tables()) {
    if (everybodys.includes(name) || owners.includes(name)) continue;
    expect(teamColumn, `${name} has a team`).not.toBeNull();
    for (const { team } of [ours, theirs]) {
      expect(await count(sessions.superuser, name, `${teamColumn} = $1`, [team]), `${name} is tested`).toBeGreaterThan(
        0,
      );
    }
  }
});

test("a team reads its own rows of every table and none of another's", async () => {
  for (const { name, teamColumn } of await tables()) {
    if (teamColumn === null) continue;
    await as(sessions.api, ours.team, async () => {
      expect(await count(sessions.api, name, `${teamColumn} = $1`, [ours.team]), name).toBeGreaterThan(0);
      expect(await count(sessions.api, name, `${teamColumn} = $1`, [theirs.team]), name).toBe(0);
    });
  }
});

test.each([
  ["no setting", null],
  ["an empty setting", ""],
])("with %s nothing of any team is visible", async (_reason, setting) => {
  for (const { name, teamColumn } of await tables()) {
    if (teamColumn === null) continue;
    expect(await as(sessions.api, setting, () => count(sessions.api, name)), name).toBe(0);
  }
});

test("a setting ends with its statement's transaction", async () => {
  await store.api.resource({ team: ours.team }, newId());
  expect((await store.as("api").rows("select to_jsonb(count(*)) from cairn.resources"))[0]).toBe(0);
});

test("a team can write no row of another's, in any table", async () => {
  for (const { name, teamColumn } of await tables()) {
    if (teamColumn === null) continue;
    // A copy of the other team's own row, read by the superuser: complete, and so refused for its team alone.
    const { rows } = await sessions.superuser.query(
      `select to_jsonb(t)::text as row from cairn.${name} t where ${teamColumn} = $1 limit 1`,
      [theirs.team],
    );
    const insert = as(sessions.api, ours.team, () =>
      sessions.api.query(`insert into cairn.${name} select * from jsonb_populate_record(null::cairn.${name}, $1)`, [
        rows[0]?.row,
      ]),
    );
    await expect(insert, `insert into ${name}`).rejects.toMatchObject({ code: "42501" });

    for (const statement of [`update cairn.${name} set ${teamColumn} = ${teamColumn}`, `delete from cairn.${name}`]) {
      const touched = await as(sessions.api, ours.team, () =>
        sessions.api.query(`${statement} where ${teamColumn} = $1`, [theirs.team]).then(
          ({ rowCount }) => rowCount,
          (error: { code: string }) => (error.code === "42501" ? 0 : error),
        ),
      );
      expect(touched, statement).toBe(0);
    }
  }
});

test("a team cannot hand its own rows to another", async () => {
  const given = as(sessions.api, ours.team, () =>
    sessions.api.query("update cairn.resources set team_id = $1", [theirs.team]),
  );
  await expect(given).rejects.toMatchObject({ code: "42501" });
});

test.each(["platform", "worker"] as const)("the %s role sees every team's rows", async (role) => {
  for (const { name, teamColumn } of await tables()) {
    if (teamColumn === null) continue;
    const all = await count(sessions.superuser, name);
    expect(await count(sessions[role], name), name).toBe(all);
  }
});

test("no partition is read or written directly, by any role", async () => {
  const { rows } = await sessions.superuser.query<{ name: string; grantee: string }>(`
    select c.relname as name, r.rolname as grantee from pg_class c
    join pg_namespace n on n.oid = c.relnamespace cross join pg_roles r
    where n.nspname = 'cairn' and c.relispartition and r.rolname in ('cairn_api', 'cairn_platform', 'cairn_worker')
      and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')`);
  expect(rows).toEqual([]);
  await store.as("owner").rows("select 'true'::jsonb from cairn.make_partitions(0, 3)");
  const newest = await sessions.superuser.query<{ name: string }>(
    "select max(relname) as name from pg_class where relname ~ '^audit_log_\\d{4}_\\d{2}$'",
  );
  await expect(sessions.worker.query(`select from cairn.${newest.rows[0]?.name}`)).rejects.toMatchObject({
    code: "42501",
  });
});

test("none of the callers' roles owns anything, has an attribute or a membership, or may create", async () => {
  for (const role of callers) {
    const { rows } = await sessions.superuser.query(
      `select r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
        exists (select from pg_class c where c.relowner = r.oid) or exists (select from pg_proc p where p.proowner = r.oid) as owns,
        exists (select from pg_auth_members m where m.member = r.oid) as member,
        has_schema_privilege(r.oid, 'cairn', 'create') as creates,
        has_schema_privilege(r.oid, 'public', 'create') as "createsInPublic",
        has_database_privilege(r.oid, current_database(), 'create, temporary') as "createsInDatabase"
       from pg_roles r where rolname = $1`,
      [`cairn_${role}`],
    );
    expect(
      Object.entries(rows[0] ?? {}).filter(([, value]) => value !== false),
      role,
    ).toEqual([]);
  }
});

test("a role's other login sees and may do what the role does, and nothing more", async () => {
  await store.makeClone("api");
  const clone = await store.session("api_clone");
  try {
    for (const { name, teamColumn } of await tables()) {
      if (teamColumn === null) continue;
      const rows = (session: pg.Client) =>
        session
          .query<{ team: string; n: number }>(
            `select ${teamColumn} as team, count(*)::integer as n from cairn.${name} where ${teamColumn} is not null group by 1`,
          )
          .then(({ rows: found }) => found);
      expect(await rows(clone), name).toEqual([]);
      for (const session of [clone, sessions.api]) {
        await session.query("begin");
        await session.query("select set_config('cairn.team', $1, true)", [ours.team]);
      }
      const seen = await rows(clone);
      expect(seen, name).toEqual(await rows(sessions.api));
      expect(
        seen.every(({ team }) => team === ours.team),
        name,
      ).toBe(true);
      for (const session of [clone, sessions.api]) await session.query("rollback");
    }
    for (const refused of ["select from cairn.migrations", "select cairn.sweep(1, 1)", "create table cairn.mine ()"])
      await expect(clone.query(refused)).rejects.toMatchObject({ code: "42501" });
  } finally {
    await clone.end();
  }
});

test("every function is granted by name, and none to everybody", async () => {
  const { rows } = await sessions.superuser.query<{ name: string }>(`
    select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'cairn' and (p.proacl is null or p.proacl::text ~ '[{,]=')`);
  expect(rows).toEqual([]);
  await store.as("owner").rows("create function cairn.forgotten() returns integer language sql as 'select 1'");
  await expect(sessions.api.query("select cairn.forgotten()")).rejects.toMatchObject({ code: "42501" });
});

test.each([
  ["api", "select cairn.sweep(1, 1)"],
  ["api", "select cairn.claim_operation('t', gen_random_uuid(), 1, 1)"],
  ["api", "select cairn.advance_operation('t', gen_random_uuid(), 1, '{}')"],
  ["api", "select cairn.put_team('t', null, null, 'me')"],
  ["api", "select cairn.put_environment('moon', 'staging', 'me')"],
  ["api", "select cairn.record_drift(gen_random_uuid(), '[]')"],
  ["platform", "select cairn.sweep(1, 1)"],
  ["platform", "select cairn.make_partitions(0, 0)"],
  ["platform", "select cairn.drop_partitions(0)"],
  ["worker", "select cairn.accept_intent('{}', 1)"],
  ["worker", "select cairn.put_environment('moon', 'staging', 'me')"],
  ["worker", "select cairn.prune(1, 0)"],
] as const)("the %s role cannot call %s", async (role, call) => {
  await expect(sessions[role].query(call)).rejects.toMatchObject({
    code: "42501",
    message: /permission denied for function/,
  });
});

test("nobody but the owner changes or removes what was written down", async () => {
  for (const role of callers) {
    for (const table of ["audit_log", "decisions", "intents"]) {
      for (const statement of [
        `update cairn.${table} set team_id = team_id`,
        `delete from cairn.${table}`,
        `truncate cairn.${table}`,
      ]) {
        await expect(sessions[role].query(statement), `${role}: ${statement}`).rejects.toMatchObject({ code: "42501" });
      }
    }
  }
});

test("a team's isolation holds when the application asks with another team's id", async () => {
  const scope = { team: ours.team };
  expect(await store.api.resource(scope, theirResource)).toBeNull();
  expect(await store.api.resourceEvents(scope, theirResource, { limit: 9, cursor: null })).toBeNull();
  expect((await store.api.resources(scope, { team: theirs.team }, { limit: 9, cursor: null })).items).toEqual([]);
  expect((await store.api.findings(scope, { team: theirs.team }, { limit: 9, cursor: null })).items).toEqual([]);
  expect(await store.api.team(scope, theirs.team)).toBeNull();
  expect(await store.api.service(scope, theirs.team, "orders")).toBeNull();
  expect(await store.api.intentContext(scope, { ...theirs, names: null, key: null })).toMatchObject({
    team: null,
    resources: [],
  });
  expect(await store.api.openVerification(scope, caller, newId(), theirResource)).toBe("not-found");

  const { intent, decision } = acceptanceOf(theirs, [create("db")]);
  await expect(store.api.acceptIntent(acceptanceOf(theirs, [create("x")], { scope }))).rejects.toThrow(
    /row-level security/,
  );
  await expect(
    store.api.acceptIntent(acceptanceOf(theirs, [remove(theirResource, "db", 1)], { scope })),
  ).rejects.toThrow(/row-level security/);
  await expect(store.api.recordDenial({ scope, caller, intent, decision })).rejects.toThrow(/row-level security/);
  expect(await store.api.putService(scope, caller, theirs.team, "stolen", { description: null })).toBeNull();
  expect(await store.api.service("platform", theirs.team, "stolen")).toBeNull();
});

test("a verification's report is its team's, a scheduled run everybody's with each team's own counts", async () => {
  const run = newId();
  await store.drift.claimDrift(run, { batch: 25, intervalSeconds: 3600 });
  await store.drift.closeDrift(run, 3600);
  const own = (await store.api.driftReports({ team: ours.team }, { limit: 100, cursor: null })).items;
  expect(own.map(({ id }) => id)).toContain(run);
  expect(own.every(({ resourceId }) => resourceId !== theirResource)).toBe(true);
  expect(own.find(({ id }) => id === run)).toMatchObject({ status: "DONE", findings: 1 });
  const all = (await store.api.driftReports("platform", { limit: 100, cursor: null })).items;
  expect(all).toHaveLength(3);
  expect(all.find(({ id }) => id === run)).toMatchObject({ findings: 2 });
});
