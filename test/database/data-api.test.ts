import { readdirSync, readFileSync } from "node:fs";
import type { RDSDataClient } from "@aws-sdk/client-rds-data";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acceptIntent } from "../../control/accept-intent.ts";
import { createApiStore } from "../../database/api-store.ts";
import { createDatabase, type Database, StoreUnavailable } from "../../database/data-api.ts";
import { goldenPaths } from "../control/inputs.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import { caller, makeDue, newPlace, type Place, sweep } from "./fixture.ts";

// Law F8: what the Data API says while the database fails over, resumes or is lost on the way.

type Thrown = { name: string; message?: string; code?: string };
const sqlState = (state: string): Thrown => ({
  name: "DatabaseErrorException",
  message: `ERROR: no; SQLState: ${state}`,
});

/** A client that fails as it is told to, one call after the other, and then answers 1. */
function failing(...errors: Thrown[]) {
  const sent: string[] = [];
  const client = {
    async send(command: object) {
      sent.push(command.constructor.name);
      const error = errors.shift();
      if (error !== undefined) throw Object.assign(new Error(error.message ?? error.name), error);
      return { records: [[{ stringValue: "1" }]], transactionId: "t" };
    },
  } as unknown as RDSDataClient;
  const database = createDatabase({ client, resourceArn: "a", secretArn: "s", database: "d", pauses: [0, 0, 0] });
  return { database, sent };
}

const nothingDone: Thrown[] = [
  { name: "DatabaseResumingException" },
  { name: "DatabaseUnavailableException" },
  { name: "ServiceUnavailableError" },
  { name: "Error", code: "ECONNREFUSED" },
  { name: "Error", code: "ENOTFOUND" },
  ...["40001", "40P01", "25006", "57P03", "08001", "53300"].map(sqlState),
];
const nobodyKnows: Thrown[] = [
  { name: "TimeoutError" },
  { name: "InternalServerErrorException" },
  { name: "StatementTimeoutException" },
  { name: "Error", code: "ECONNRESET" },
  { name: "Error", code: "EPIPE" },
  ...["57P01", "57P02", "08006", "08003", "40003"].map(sqlState),
];
const label = ({ name, message, code }: Thrown) => [name, code, message?.slice(-5)].filter(Boolean).join(" ");

describe("what is known to have done nothing", () => {
  test.each(nothingDone.map((error) => [label(error), error] as const))("is tried again: %s", async (_label, error) => {
    const { database, sent } = failing(error, error, error);
    expect(await database.rows("select 1")).toEqual([1]);
    expect(sent).toHaveLength(4);
  });

  test("is tried three times again and no more, and is then called by the name that everybody waits for", async () => {
    const { database, sent } = failing(...Array(9).fill({ name: "DatabaseResumingException" }));
    await expect(database.rows("select 1")).rejects.toThrow(StoreUnavailable);
    expect(sent).toHaveLength(4);
  });

  test("within a transaction is not tried again alone: the transaction is lost as a whole", async () => {
    const { database, sent } = failing({ name: "DatabaseResumingException" });
    expect(await database.transaction(async ({ rows }) => rows("select 1"))).toEqual([1]);
    expect(sent).toEqual(["Begin", "Begin", "ExecuteStatement", "Commit"].map(commandName));
    const { database: other, sent: sentToo } = failing();
    const ended = other.transaction(async ({ rows }) => {
      await rows("select 1");
      throw Object.assign(new Error(), { name: "DatabaseUnavailableException" });
    });
    await expect(ended).rejects.toThrow();
    expect(sentToo).toEqual(["Begin", "ExecuteStatement", "Rollback"].map(commandName));
  });
});

function commandName(what: string): string {
  return what === "ExecuteStatement" ? "ExecuteStatementCommand" : `${what}TransactionCommand`;
}

test.each(nobodyKnows.map((error) => [label(error), error] as const))(
  "what may have happened is not repeated behind the caller's back: %s",
  async (_label, error) => {
    const { database, sent } = failing(error);
    await expect(database.rows("select 1")).rejects.toThrow(StoreUnavailable);
    expect(sent).toHaveLength(1);
  },
);

test("a fault of the statement is what it is", async () => {
  const { database, sent } = failing(sqlState("42703"));
  await expect(database.rows("select x")).rejects.toMatchObject({ name: "DatabaseErrorException" });
  expect(sent).toHaveLength(1);
});

test("a transaction of several calls is a deployment's alone, so none is open while a provider is asked (F9)", () => {
  const rooms = ["api", "control", "core", "database", "functions", "providers"];
  const files = rooms.flatMap((room) =>
    readdirSync(new URL(`../../${room}/`, import.meta.url), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => `${room}/${file}`),
  );
  const opening = files.filter((file) =>
    /\.transaction\(|BeginTransactionCommand/.test(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")),
  );
  // Only functions/migrate.ts calls the last two, and it asks all that it has to ask before.
  expect(opening.sort()).toEqual(["database/data-api.ts", "database/migrate.ts", "database/targets.ts"]);
});

describe("an intent whose commit is unknown", () => {
  let store: TestStore;
  let place: Place;
  beforeAll(async () => {
    store = await createTestStore();
    place = await newPlace(store);
  });
  afterAll(() => store?.close());

  test("is found again by its key, and worked on although nobody was told that it was accepted", async () => {
    const started: string[] = [];
    const send = (database: Database) =>
      acceptIntent(
        {
          store: createApiStore({ api: database, platform: database }, 60),
          goldenPaths,
          policy: {
            revision: "1",
            wasmHash: "w",
            evaluate: () => ({ allow: true, violations: [], warnings: [], inputHash: "i" }),
          },
          executions: {
            async start(_machine, name) {
              started.push(name);
              return "started";
            },
          },
          newId,
          now: () => 0,
        },
        {
          caller: { ...caller, team: place.team },
          scope: { team: place.team },
          intent: { action: "apply", ...place, resources: { files: { type: "bucket" } } },
          key: "once",
          dryRun: false,
        },
      );

    await expect(send(losingTheCommit(store.as("api")))).rejects.toThrow(StoreUnavailable);
    expect(started).toEqual([]);
    const again = await send(store.as("api"));
    const [resource, ...more] = (await store.api.resources({ team: place.team }, {}, { limit: 9, cursor: null })).items;
    expect(more).toEqual([]);
    expect(again).toMatchObject({ outcome: "accepted", replayed: true, intent: { resources: [{ id: resource?.id }] } });

    const [operation = ""] = await store
      .as("owner")
      .rows<string>("select to_jsonb(id) from cairn.operations where team_id = :team", { team: place.team });
    await makeDue(store, operation);
    expect(await sweep(store)).toMatchObject([{ operation }]);
  });
});

/** The statement that accepts is committed, and its answer is lost on the way. */
function losingTheCommit(database: Database): Database {
  return {
    ...database,
    async rows(sql, parameters) {
      const answer = await database.rows(sql, parameters);
      if (sql.includes("accept_intent")) throw new StoreUnavailable("The connection was lost.");
      return answer as never;
    },
  };
}
