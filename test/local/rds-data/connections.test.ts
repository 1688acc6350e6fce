import { BatchExecuteStatementCommand, type SqlParameter } from "@aws-sdk/client-rds-data";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { errorOf, startDataApi } from "./data-api.ts";

const api = await startDataApi();
afterAll(() => api.stop());

describe("errors of the database", () => {
  test("a broken constraint is a DatabaseErrorException with its SQLState", async () => {
    await api.execute("create table u (id int primary key)");
    await api.execute("insert into u values (1)");
    expect(await errorOf(api.execute("insert into u values (1)"))).toEqual({
      name: "DatabaseErrorException",
      message: 'ERROR: duplicate key value violates unique constraint "u_pkey"; SQLState: 23505',
      status: 400,
    });
  });

  test("a database that does not exist is named", async () => {
    expect(await errorOf(api.execute("select 1", [], { database: "nowhere" }))).toMatchObject({
      name: "DatabaseErrorException",
      message: 'FATAL: database "nowhere" does not exist; SQLState: 3D000',
    });
  });
});

describe("connections", () => {
  test("nothing of a session is left for the next statement", async () => {
    await api.execute("set search_path = pg_catalog");
    await api.execute("select set_config('cairn.team', 'payments', false)");
    await api.execute("create temporary table leftover (x int)");
    await api.execute("select pg_advisory_lock(42)::text");
    for (let index = 0; index < 5; index += 1) {
      const row = await api.row(
        `select current_setting('search_path'), coalesce(current_setting('cairn.team', true), ''),
                to_regclass('leftover') is null, (select count(*) from pg_locks where locktype = 'advisory')`,
      );
      expect(row).toEqual([
        { stringValue: '"$user", public' },
        { stringValue: "" },
        { booleanValue: true },
        { longValue: 0 },
      ]);
    }
  });

  test("`database` chooses another one, and CREATE DATABASE works because it runs in no transaction", async () => {
    const other = `${api.database.name}_other`;
    await api.execute(`create database ${other}`);
    expect(await api.row("select current_database()::text", [], { database: other })).toEqual([{ stringValue: other }]);
    await api.execute(`drop database ${other} with (force)`);
  });

  test("a hundred calls at once each get their own answer", async () => {
    const calls = Array.from({ length: 100 }, (_, index) =>
      api.row("select :n", [{ name: "n", value: { longValue: index } }]),
    );
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => [{ longValue: index }]));
  });

  test("a connection that the server ends costs one call, and the next one works", async () => {
    const admin = new pg.Client({ connectionString: api.database.superuserUrl });
    await admin.connect();
    const sleeping = errorOf(api.execute("select pg_sleep(20)::text"));
    await expect
      .poll(async () => {
        const { rowCount } = await admin.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query like '%pg_sleep%' and pid <> pg_backend_pid()",
          [api.database.name],
        );
        return rowCount;
      })
      .toBe(1);
    await admin.end();
    expect(await sleeping).toMatchObject({ name: "DatabaseUnavailableException", status: 504 });
    expect(await api.row("select 1")).toEqual([{ longValue: 1 }]);
  });
});

describe("batches", () => {
  const sets = (...ids: number[]) => ids.map((id) => [{ name: "id", value: { longValue: id } }]);
  const batch = (parameterSets: SqlParameter[][]) =>
    api.client.send(
      new BatchExecuteStatementCommand({ ...api.base, sql: "insert into b values (:id)", parameterSets }),
    );

  test("a statement runs for each set, all or none", async () => {
    await api.execute("create table b (id int primary key)");
    expect((await batch(sets(1, 2))).updateResults).toEqual([{ generatedFields: [] }, { generatedFields: [] }]);
    expect(await errorOf(batch(sets(3, 1)))).toMatchObject({ name: "DatabaseErrorException" });
    expect(await api.row("select count(*) from b")).toEqual([{ longValue: 2 }]);
  });
});
