import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { createTestDatabase } from "../../support/postgres.ts";

const database = await createTestDatabase();
afterAll(() => database.drop());

test("a test file gets an empty Postgres 17 database that sorts by code point", async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int / 10000 as version, current_database() as name,
            (select count(*)::int from pg_tables where schemaname = 'public') as tables,
            (select string_agg(x, '' order by x) from unnest(array['b', 'a', 'B', 'é', 'z']) x) as sorted,
            upper('é') as upper`,
  );
  await client.end();
  expect(rows).toEqual([{ version: 17, name: database.name, tables: 0, sorted: "Babzé", upper: "É" }]);
});
