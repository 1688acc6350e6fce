import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate, statementsOf } from "../../database/migrate.ts";
import { createTestStore, migrationsFolder, type TestStore } from "../support/store.ts";

let store: TestStore;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

test("a second migration finds nothing to do", async () => {
  expect(await migrate(store.as("owner"), migrationsFolder)).toEqual([]);
});

test("two migrations at once both end well, and each file runs once", async () => {
  await store.as("owner").rows("drop schema cairn cascade");
  const both = await Promise.all([
    migrate(store.as("owner"), migrationsFolder),
    migrate(store.as("owner"), migrationsFolder),
  ]);
  expect(both.map((names) => names.length > 0).sort()).toEqual([false, true]);
});

test("a migration that fails half-way leaves nothing behind", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn migrations "));
  try {
    await writeFile(join(folder, "0001-good.sql"), "create table cairn.half (id integer); select nonsense;");
    const fresh = await createTestStore();
    await fresh.as("owner").rows("drop schema cairn cascade");
    await expect(migrate(fresh.as("owner"), folder)).rejects.toThrow(/nonsense/);
    expect(await fresh.as("owner").rows("select to_jsonb(count(*)) from pg_namespace where nspname = 'cairn'")).toEqual(
      [0],
    );
    await fresh.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("an older Cairn leaves a newer database as it is: a deployment that is rolled back ends well", async () => {
  await store.as("owner").rows("insert into cairn.migrations (name, hash) values ('9999-future.sql', 'later')");
  expect(await migrate(store.as("owner"), migrationsFolder)).toEqual([]);
});

test("a database with a migration in between that these files do not have is refused by name", async () => {
  await store.as("owner").rows("insert into cairn.migrations (name, hash) values ('0002-other-branch.sql', '')");
  const refused = expect(migrate(store.as("owner"), migrationsFolder)).rejects;
  await refused.toThrow(/another version of Cairn, which differs in 0002-other-branch\.sql$/);
  await store.as("owner").rows("delete from cairn.migrations where name = '0002-other-branch.sql'");
});

test("a migration that was changed after it ran is refused by name", async () => {
  await store.as("owner").rows("update cairn.migrations set hash = 'other' where name like '0002%'");
  await expect(migrate(store.as("owner"), migrationsFolder)).rejects.toThrow(
    /another version of Cairn, which differs in 0002-partitions\.sql$/,
  );
});

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
