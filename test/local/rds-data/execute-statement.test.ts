import { BatchExecuteStatementCommand, type Field, type SqlParameter } from "@aws-sdk/client-rds-data";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { errorOf, startDataApi } from "./data-api.ts";

const api = await startDataApi();
afterAll(() => api.stop());

const uuid = "0192d3c0-1111-7000-8000-00000000000a";

describe("results", () => {
  const values: { sql: string; field: Field; typeName: string }[] = [
    { sql: "true", field: { booleanValue: true }, typeName: "bool" },
    { sql: "1::int2", field: { longValue: 1 }, typeName: "int2" },
    { sql: "2", field: { longValue: 2 }, typeName: "int4" },
    { sql: "3::int8", field: { longValue: 3 }, typeName: "int8" },
    { sql: "1.5::float8", field: { doubleValue: 1.5 }, typeName: "float8" },
    { sql: "2::float8", field: { doubleValue: 2 }, typeName: "float8" },
    { sql: "12.50", field: { stringValue: "12.50" }, typeName: "numeric" },
    { sql: "'a'::text", field: { stringValue: "a" }, typeName: "text" },
    { sql: "'a'::varchar(3)", field: { stringValue: "a" }, typeName: "varchar" },
    { sql: `'${uuid}'::uuid`, field: { stringValue: uuid }, typeName: "uuid" },
    { sql: `'{"a": 1}'::jsonb`, field: { stringValue: '{"a": 1}' }, typeName: "jsonb" },
    { sql: `'{"a":1}'::json`, field: { stringValue: '{"a":1}' }, typeName: "json" },
    { sql: "'\\x00ff'::bytea", field: { blobValue: new Uint8Array([0, 255]) }, typeName: "bytea" },
    { sql: "'2026-11-22'::date", field: { stringValue: "2026-11-22" }, typeName: "date" },
    {
      sql: "'2026-11-22 10:00:00.5+02'::timestamptz",
      field: { stringValue: "2026-11-22 08:00:00.500" },
      typeName: "timestamptz",
    },
    {
      sql: "'2026-11-22 10:00:00.123456'::timestamp",
      field: { stringValue: "2026-11-22 10:00:00.123456" },
      typeName: "timestamp",
    },
    { sql: "null::text", field: { isNull: true }, typeName: "text" },
    {
      sql: "array['a', null, 'b c']",
      field: { arrayValue: { stringValues: ["a", null, "b c"] } as never },
      typeName: "_text",
    },
    { sql: "array[1, 2]", field: { arrayValue: { longValues: [1, 2] } }, typeName: "_int4" },
  ];
  test.each(values)("$sql leaves as a Field of type $typeName", async ({ sql, field, typeName }) => {
    const answer = await api.execute(`select ${sql} as x`, [], { includeResultMetadata: true });
    expect(answer.records?.[0]?.[0]).toEqual(field);
    expect(answer.columnMetadata).toMatchObject([{ name: "x", label: "x", typeName }]);
  });

  test("an enum is its label", async () => {
    await api.execute("create type mood as enum ('fine', 'bad')");
    const answer = await api.execute("select 'fine'::mood as m", [], { includeResultMetadata: true });
    expect(answer.records).toEqual([[{ stringValue: "fine" }]]);
    expect(answer.columnMetadata?.[0]?.typeName).toBe("mood");
  });

  const refused = [
    { sql: "'1 day'::interval", type: "INTERVAL" },
    { sql: "'(1,2)'::point", type: "POINT" },
    { sql: "'x'::name", type: "NAME" },
    { sql: "1::oid", type: "OID" },
    { sql: "'pg_class'::regclass", type: "REGCLASS" },
    { sql: "'1'::money", type: "MONEY" },
  ];
  test.each(refused)("$type is an unsupported result", async ({ sql, type }) => {
    expect(await errorOf(api.execute(`select ${sql}`))).toEqual({
      name: "UnsupportedResultException",
      message: `The result contains the unsupported data type ${type}.`,
      status: 400,
    });
  });

  test("an array of arrays is an unsupported result", async () => {
    const error = await errorOf(api.execute("select array[[1, 2], [3, 4]]"));
    expect(error).toMatchObject({ name: "UnsupportedResultException" });
  });

  test("without being asked for, no metadata comes; DML reports what it changed and DDL nothing", async () => {
    await api.execute("create table t (id int primary key, note text)");
    const inserted = await api.execute("insert into t select x, 'n' from generate_series(1, 3) x");
    expect(inserted).toMatchObject({ numberOfRecordsUpdated: 3, generatedFields: [] });
    expect(inserted.records).toBeUndefined();
    const selected = await api.execute("select id from t where id < 0");
    expect(selected).toMatchObject({ records: [], numberOfRecordsUpdated: 0 });
    expect(selected.columnMetadata).toBeUndefined();
  });

  test("formatRecordsAs JSON gives rows as objects and no metadata", async () => {
    const sql = `select 1 as n, 'a'::text as t, null::text as nothing, true as yes, '{"a": 1}'::jsonb as j, 1.50 as d`;
    const answer = await api.execute(sql, [], { formatRecordsAs: "JSON", includeResultMetadata: true });
    expect(JSON.parse(answer.formattedRecords ?? "")).toEqual([
      { n: 1, t: "a", nothing: null, yes: true, j: '{"a": 1}', d: 1.5 },
    ]);
    expect(answer.records).toBeUndefined();
    expect(answer.columnMetadata).toBeUndefined();
  });

  test("resultSetOptions choose how numbers leave", async () => {
    const resultSetOptions = { longReturnType: "STRING", decimalReturnType: "DOUBLE_OR_LONG" } as const;
    expect(await api.row("select 9007199254740993, 1.5, 2.0::numeric", [], { resultSetOptions })).toEqual([
      { stringValue: "9007199254740993" },
      { doubleValue: 1.5 },
      { longValue: 2 },
    ]);
  });
});

describe("parameters", () => {
  const accepted: { sql: string; parameters: SqlParameter[]; field: Field; reason: string }[] = [
    {
      sql: "select :a",
      parameters: [{ name: "a", value: { stringValue: "x'y" } }],
      field: { stringValue: "x'y" },
      reason: "text",
    },
    {
      sql: "select :a + :a",
      parameters: [{ name: "a", value: { longValue: 2 } }],
      field: { longValue: 4 },
      reason: "used twice",
    },
    {
      sql: "select :a",
      parameters: [{ name: "a", value: { booleanValue: true } }],
      field: { booleanValue: true },
      reason: "boolean",
    },
    {
      sql: "select :a",
      parameters: [{ name: "a", value: { doubleValue: 0.5 } }],
      field: { doubleValue: 0.5 },
      reason: "double",
    },
    {
      sql: "select :a",
      parameters: [{ name: "a", value: { blobValue: new Uint8Array([1, 0]) } }],
      field: { blobValue: new Uint8Array([1, 0]) },
      reason: "blob",
    },
    {
      sql: "select :a is null",
      parameters: [{ name: "a", value: { isNull: true } }],
      field: { booleanValue: true },
      reason: "null",
    },
    {
      sql: "select :a::uuid",
      parameters: [{ name: "a", value: { stringValue: uuid } }],
      field: { stringValue: uuid },
      reason: "cast",
    },
    {
      sql: "select pg_typeof(:a)::text",
      parameters: [{ name: "a", value: { stringValue: uuid }, typeHint: "UUID" }],
      field: { stringValue: "uuid" },
      reason: "hint UUID",
    },
    {
      sql: "select pg_typeof(:a)::text",
      parameters: [{ name: "a", value: { stringValue: "{}" }, typeHint: "JSON" }],
      field: { stringValue: "json" },
      reason: "hint JSON",
    },
    {
      sql: "select :a",
      parameters: [{ name: "a", value: { stringValue: "2026-01-02 03:04:05.6" }, typeHint: "TIMESTAMP" }],
      field: { stringValue: "2026-01-02 03:04:05.600" },
      reason: "hint TIMESTAMP",
    },
    {
      sql: "select :a + 1",
      parameters: [{ name: "a", value: { stringValue: "2026-01-31" }, typeHint: "DATE" }],
      field: { stringValue: "2026-02-01" },
      reason: "hint DATE",
    },
    {
      sql: "select :a",
      parameters: [{ name: "a", value: { stringValue: "03:04:05" }, typeHint: "TIME" }],
      field: { stringValue: "03:04:05" },
      reason: "hint TIME",
    },
    {
      sql: "select :a * 2",
      parameters: [{ name: "a", value: { stringValue: "1.10" }, typeHint: "DECIMAL" }],
      field: { stringValue: "2.20" },
      reason: "hint DECIMAL",
    },
    {
      sql: "select pg_typeof(:a)::text",
      parameters: [{ name: "a", value: { isNull: true }, typeHint: "UUID" }],
      field: { stringValue: "uuid" },
      reason: "null with a hint",
    },
    {
      sql: "select ':b' || :a",
      parameters: [{ name: "a", value: { stringValue: "c" } }],
      field: { stringValue: ":bc" },
      reason: "not in a string",
    },
    {
      sql: "select e'\\':b' || :a",
      parameters: [{ name: "a", value: { stringValue: "c" } }],
      field: { stringValue: "':bc" },
      reason: "not in an escape string",
    },
    {
      sql: 'select :a as ":b"',
      parameters: [{ name: "a", value: { stringValue: "c" } }],
      field: { stringValue: "c" },
      reason: "not in a quoted name",
    },
    {
      sql: "select :a -- :b; :c",
      parameters: [{ name: "a", value: { stringValue: "c" } }],
      field: { stringValue: "c" },
      reason: "not in a comment",
    },
    {
      sql: "select /* :b /* ; */ :c */ :a",
      parameters: [{ name: "a", value: { stringValue: "c" } }],
      field: { stringValue: "c" },
      reason: "not in a nested comment",
    },
    {
      sql: "select $x$ :b; $1 $x$ || :a",
      parameters: [{ name: "a", value: { stringValue: "c" } }],
      field: { stringValue: " :b; $1 c" },
      reason: "not in a dollar quote",
    },
    {
      sql: "select (array[1,2,3])[1:2]::text || :a;  -- end",
      parameters: [{ name: "a", value: { stringValue: "c" } }],
      field: { stringValue: "{1,2}c" },
      reason: "not in a slice; one semicolon at the end",
    },
  ];
  test.each(accepted)("$reason: $sql", async ({ sql, parameters, field }) => {
    expect(await api.row(sql, parameters)).toEqual([field]);
  });

  const refused: { reason: string; sql: string; parameters?: SqlParameter[]; name: string; message: RegExp }[] = [
    {
      reason: "an unhinted string is text",
      sql: `select '${uuid}'::uuid = :a`,
      parameters: [{ name: "a", value: { stringValue: uuid } }],
      name: "DatabaseErrorException",
      message: /^ERROR: operator does not exist: uuid = text; Position: \d+; SQLState: 42883$/,
    },
    {
      reason: "an unhinted null is text",
      sql: `select '${uuid}'::uuid = :a`,
      parameters: [{ name: "a", value: { isNull: true } }],
      name: "DatabaseErrorException",
      message: /uuid = text/,
    },
    {
      reason: "an array",
      sql: "select :a",
      parameters: [{ name: "a", value: { arrayValue: { stringValues: ["x"] } } }],
      name: "ValidationException",
      message: /^Array parameters are not supported\.$/,
    },
    {
      reason: "a missing parameter",
      sql: "select :a, :b",
      parameters: [{ name: "a", value: { longValue: 1 } }],
      name: "BadRequestException",
      message: /^Cannot find parameter: b$/,
    },
    {
      reason: "an unused parameter",
      sql: "select 1",
      parameters: [{ name: "a", value: { longValue: 1 } }],
      name: "BadRequestException",
      message: /:a/,
    },
    {
      reason: "a parameter given twice",
      sql: "select :a",
      parameters: [
        { name: "a", value: { longValue: 1 } },
        { name: "a", value: { longValue: 2 } },
      ],
      name: "BadRequestException",
      message: /twice/,
    },
    {
      reason: "a positional parameter",
      sql: "select $1::text",
      name: "DatabaseErrorException",
      message: /bind message supplies 0 parameters.*SQLState: 08P01/,
    },
    {
      reason: "a bad UUID",
      sql: "select :a",
      parameters: [{ name: "a", value: { stringValue: "x" }, typeHint: "UUID" }],
      name: "BadRequestException",
      message: /UUID/,
    },
    {
      reason: "a time of another form",
      sql: "select :a",
      parameters: [{ name: "a", value: { stringValue: "2026-01-02T03:04:05Z" }, typeHint: "TIMESTAMP" }],
      name: "BadRequestException",
      message: /TIMESTAMP/,
    },
    {
      reason: "a hint on a number",
      sql: "select :a",
      parameters: [{ name: "a", value: { longValue: 1 }, typeHint: "DECIMAL" }],
      name: "BadRequestException",
      message: /DECIMAL/,
    },
    {
      reason: "a NUL character",
      sql: "select :a",
      parameters: [{ name: "a", value: { stringValue: "a\0b" } }],
      name: "BadRequestException",
      message: /NUL/,
    },
    {
      reason: "two statements",
      sql: "select 1; select 2",
      name: "ValidationException",
      message: /^Multistatements aren't supported\.$/,
    },
    {
      reason: "a second statement behind a comment",
      sql: "select 1; /* ; */ drop table t",
      name: "ValidationException",
      message: /Multistatements/,
    },
    { reason: "an empty statement", sql: "  ", name: "BadRequestException", message: /empty/ },
    { reason: "transaction control", sql: "begin", name: "BadRequestException", message: /transaction operations/ },
    {
      reason: "a commit behind a comment",
      sql: "/* x */ commit",
      name: "BadRequestException",
      message: /transaction operations/,
    },
    {
      reason: "a savepoint without a transaction",
      sql: "savepoint a",
      name: "BadRequestException",
      message: /needs a transaction/,
    },
    { reason: "copy to the client", sql: "copy (select 1) to stdout", name: "DatabaseErrorException", message: /COPY/ },
  ];
  test.each(refused)("refused: $reason", async ({ sql, parameters, name, message }) => {
    const error = await errorOf(api.execute(sql, parameters));
    expect(error).toMatchObject({ name, status: 400 });
    expect(error.message).toMatch(message);
  });
});

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
