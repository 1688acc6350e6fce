import type { Field } from "@aws-sdk/client-rds-data";
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
