import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Database } from "../../database/data-api.ts";
import { migrate, statementsOf } from "../../database/migrate.ts";
import { createTestStore, databaseFolder, type TestStore } from "../support/store.ts";

let store: TestStore;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

test("a second migration finds nothing to do", async () => {
  expect(await migrate(store.as("owner"), databaseFolder)).toEqual([]);
});

test("two migrations at once both end well, and each file runs once", async () => {
  await store.as("owner").rows("drop schema cairn cascade");
  const both = await Promise.all([
    migrate(store.as("owner"), databaseFolder),
    migrate(store.as("owner"), databaseFolder),
  ]);
  expect(both.map((names) => names.length > 0).sort()).toEqual([false, true]);
});

test("a migration that fails half-way leaves nothing behind", async () => {
  const folder = await folderOf({
    "migrations/0001-good.sql": "create table cairn.half (id integer); select nonsense;",
  });
  const fresh = await createTestStore();
  await fresh.as("owner").rows("drop schema cairn cascade");
  await expect(migrate(fresh.as("owner"), folder)).rejects.toThrow(/nonsense/);
  expect(await fresh.as("owner").rows("select to_jsonb(count(*)) from pg_namespace where nspname = 'cairn'")).toEqual([
    0,
  ]);
  await fresh.close();
});

test("an older Cairn leaves a newer database as it is: a deployment that is rolled back ends well", async () => {
  await store.as("owner").rows("insert into cairn.migrations (name, hash) values ('9999-future.sql', 'later')");
  expect(await migrate(store.as("owner"), databaseFolder)).toEqual([]);
});

test("a database with a migration in between that these files do not have is refused by name", async () => {
  await store.as("owner").rows("insert into cairn.migrations (name, hash) values ('0002-other-branch.sql', '')");
  const refused = expect(migrate(store.as("owner"), databaseFolder)).rejects;
  await refused.toThrow(/another version of Cairn, which differs in 0002-other-branch\.sql$/);
  await store.as("owner").rows("delete from cairn.migrations where name = '0002-other-branch.sql'");
});

test("a migration that was changed after it ran is refused by name", async () => {
  await store.as("owner").rows("update cairn.migrations set hash = 'other' where name like '0002%'");
  await expect(migrate(store.as("owner"), databaseFolder)).rejects.toThrow(
    /another version of Cairn, which differs in 0002-partitions\.sql$/,
  );
});

describe("routines", () => {
  const one = (answer: number) =>
    `create or replace function cairn.one() returns integer language sql as 'select ${answer}';`;
  const first = { "migrations/0001-first.sql": "create table cairn.first ();" };
  const second = { ...first, "migrations/0002-second.sql": "create table cairn.second ();" };
  let owner: Database;
  const run = async (files: Files) => migrate(owner, await folderOf(files));
  const answer = () => owner.rows("select to_jsonb(cairn.one())");

  beforeAll(() => {
    owner = store.as("owner");
  });
  beforeEach(async () => {
    await owner.rows("drop schema cairn cascade");
    await run({ ...first, "routines/one.sql": one(1) });
  });

  test("run again, all of them, when one has changed", async () => {
    expect(await answer()).toEqual([1]);
    expect(await run({ ...first, "routines/one.sql": one(2) })).toEqual(["routines"]);
    expect(await answer()).toEqual([2]);
  });

  test("run again when they are the older ones of code that was rolled back to the same migrations", async () => {
    await run({ ...first, "routines/one.sql": one(2) });
    expect(await run({ ...first, "routines/one.sql": one(1) })).toEqual(["routines"]);
    expect(await answer()).toEqual([1]);
  });

  test("that have not changed are not run, and cost no call", async () => {
    const folder = await folderOf({ ...first, "routines/one.sql": one(1) });
    await owner.rows("drop function cairn.one()");
    const before = store.counted.statements;
    expect(await migrate(owner, folder)).toEqual([]);
    // Begin, the lock, the schema, its table, what has run, commit.
    expect(store.counted.statements - before).toBe(6);
    await expect(answer()).rejects.toThrow(/does not exist/);
  });

  test("run again after a migration, which may have dropped one", async () => {
    const dropping = { ...first, "migrations/0002-second.sql": "drop function cairn.one();" };
    expect(await run({ ...dropping, "routines/one.sql": one(1) })).toEqual(["0002-second.sql", "routines"]);
    expect(await answer()).toEqual([1]);
  });

  test("of a newer Cairn stay: they keep the code before them working", async () => {
    await run({ ...second, "routines/one.sql": one(2) });
    expect(await run({ ...first, "routines/one.sql": one(1) })).toEqual([]);
    expect(await answer()).toEqual([2]);
    expect(await run({ ...second, "routines/one.sql": one(2) })).toEqual([]);
  });

  test("of which one fails leave nothing behind, nor does the migration before them", async () => {
    const failing = { ...second, "routines/one.sql": one(2), "routines/two.sql": "select nonsense;" };
    await expect(run(failing)).rejects.toThrow(/nonsense/);
    expect(await answer()).toEqual([1]);
    expect(await owner.rows("select to_jsonb(to_regclass('cairn.second'))")).toEqual([null]);
    expect(await run({ ...first, "routines/one.sql": one(1) })).toEqual([]);
  });

  test("started twice at once run once", async () => {
    const folder = await folderOf({ ...first, "routines/one.sql": one(2) });
    const session = await store.session("owner");
    try {
      await session.query("select pg_advisory_lock(7243001)");
      const both = Promise.all([migrate(owner, folder), migrate(owner, folder)]);
      const waiting = `select from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.locktype = 'advisory' and not l.granted`;
      await expect.poll(async () => (await session.query(waiting)).rowCount).toBe(2);
      await session.query("select pg_advisory_unlock(7243001)");
      expect((await both).sort()).toEqual([[], ["routines"]]);
    } finally {
      await session.end();
    }
  });
});

type Files = { [path: string]: string };

async function folderOf(files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cairn migrations "));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const room of ["migrations", "routines"]) await mkdir(join(folder, room));
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  return folder;
}

test.each([
  ["a; b;", ["a", "b"], "plain"],
  ["select ';' ; b", ["select ';'", "b"], "a quoted semicolon"],
  [
    "create function f() as $x$ a; b; $x$; c",
    ["create function f() as $x$ a; b; $x$", "c"],
    "a body between dollar quotes",
  ],
  ["-- it's; nothing\na;", ["-- it's; nothing\na"], "a comment with a quote"],
  ["-- only this;\n", [], "nothing but a comment"],
])("a script is cut at its statements: %j", (script, statements) => {
  expect(statementsOf(script)).toEqual(statements);
});
