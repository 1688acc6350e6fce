import type { Field, SqlParameter } from "@aws-sdk/client-rds-data";
import { afterAll, describe, expect, test } from "vitest";
import { errorOf, startDataApi } from "./data-api.ts";

const api = await startDataApi();
afterAll(() => api.stop());

const uuid = "0192d3c0-1111-7000-8000-00000000000a";

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
