import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allAtOnce, identifier, literal } from "../../../providers/postgres/quote.ts";
import { createTestDatabase, type TestDatabase } from "../../support/postgres.ts";

const nasty = ["plain", `a"b`, "a'b", "a\\b", "a\\'; drop table x; --", "$$", "über", "a b", "SELECT"];

describe("quoting, as a real Postgres reads it", () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  test.each(nasty)("the literal of %j is that text", async (text) => {
    expect((await client.query(`select ${literal(text)} as text`)).rows[0].text).toBe(text);
  });

  test.each(nasty)("the identifier of %j is that name", async (text) => {
    expect((await client.query(`select 1 as ${identifier(text)}`)).fields[0]?.name).toBe(text);
  });

  test.each(["", "a\0b", "x".repeat(64), "ü".repeat(32)])(
    "refuses the name %j, which Postgres would cut or refuse",
    (name) => {
      expect(() => identifier(name)).toThrow(RangeError);
    },
  );

  test("a value cannot end the block it stands in", () => {
    expect(() => allAtOnce([`select ${literal("$cairn$; drop table x")}`])).toThrow(RangeError);
  });
});
