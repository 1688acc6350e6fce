import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate, statementsOf } from "../../database/migrate.ts";
import { createTestStore, databaseFolder, type TestStore } from "../support/store.ts";

// Numbered migrations have made every function, many of them several times; the living text is in `database/routines`.

const statements = globSync("routines/*.sql", { cwd: databaseFolder }).flatMap((file) =>
  statementsOf(readFileSync(join(databaseFolder, file), "utf8")).map((text) => ({
    file,
    text: text.replace(/^(--[^\n]*\n|\s)*/, ""),
  })),
);

let store: TestStore;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

/** Each function with all that is said of it: its text, and who may call it. */
const functions = () =>
  store.as("owner").rows<{ name: string }>(`
    select jsonb_build_object('name', p.oid::regprocedure, 'definition', pg_get_functiondef(p.oid),
      'grants', (select jsonb_agg(acl::text order by acl::text) from unnest(p.proacl) acl))
    from pg_proc p where p.pronamespace = 'cairn'::regnamespace order by p.oid::regprocedure::text`);

test("the routines alone make every function, and grant it to whom it is for", async () => {
  const owner = store.as("owner");
  const migrated = await functions();
  expect(migrated.length).toBeGreaterThan(50);
  await owner.rows(`do $$ declare f regprocedure; begin
    for f in select p.oid from pg_proc p where p.pronamespace = 'cairn'::regnamespace loop
      execute format('drop function %s cascade', f);
    end loop; end $$`);
  await owner.rows("update cairn.migrations set hash = 'other' where name = 'routines'");
  expect(await functions()).toEqual([]);
  expect(await migrate(owner, databaseFolder)).toEqual(["routines"]);
  expect(await functions()).toEqual(migrated);
});

test("every function is defined once", async () => {
  const defined = statements.flatMap(({ text }) => /^create or replace function (cairn\.\w+)\(/.exec(text)?.[1] ?? []);
  const known = (await functions()).map(({ name }) => name.replace(/\(.*/, ""));
  expect(defined.sort()).toEqual(known.sort());
});

test("a routine holds only what may run again and again: definitions, and who may call them", () => {
  for (const { file, text } of statements)
    expect(text, file).toMatch(/^(create or replace function cairn\.|grant execute on function cairn\.)/);
});
