import { setTimeout } from "node:timers/promises";
import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type RDSDataClient,
  RollbackTransactionCommand,
  type SqlParameter,
} from "@aws-sdk/client-rds-data";

export type SqlValue = string | number | boolean | null;
export type SqlParameters = { [name: string]: SqlValue };

/**
 * The database cannot be asked just now: it is resuming, failing over or out of reach. What was asked for may or may not
 * have happened. Retried by the state machine under this name, answered `503` by the API.
 */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** One database under one role, over the RDS Data API. */
export type Database = {
  /** Runs one statement in a transaction of its own. Each row is one column of JSON (or text), parsed. */
  rows<T>(sql: string, parameters?: SqlParameters): Promise<T[]>;
  /** Runs statements in one transaction: three calls more than they are, so for migrations only. */
  transaction<T>(work: (database: Pick<Database, "rows">) => Promise<T>): Promise<T>;
};

export type DataApiOptions = {
  client: RDSDataClient;
  resourceArn: string;
  secretArn: string;
  database: string;
  /** Pauses between tries of a statement that is known to have done nothing, in milliseconds. */
  pauses?: readonly number[];
  sleep?: (milliseconds: number) => Promise<void>;
};

export function createDatabase({
  client,
  resourceArn,
  secretArn,
  database,
  pauses = [100, 400, 1200],
  sleep = (milliseconds) => setTimeout(milliseconds),
}: DataApiOptions): Database {
  const place = { resourceArn, secretArn };
  const settled = <T>(send: () => Promise<T>, tries: readonly number[]) => settledAfter(send, tries, sleep);

  async function rows<T>(sql: string, parameters: SqlParameters = {}, transactionId?: string): Promise<T[]> {
    const command = new ExecuteStatementCommand({
      ...place,
      database,
      sql,
      parameters: Object.entries(parameters).map(([name, value]) => toParameter(name, value)),
      ...(transactionId === undefined ? {} : { transactionId }),
    });
    const answer = await settled(() => client.send(command), transactionId === undefined ? pauses : []);
    return (answer.records ?? []).map((record) => parse(record[0]?.stringValue) as T);
  }

  return {
    rows: (sql, parameters) => rows(sql, parameters),
    async transaction(work) {
      const { transactionId } = await settled(
        () => client.send(new BeginTransactionCommand({ ...place, database })),
        pauses,
      );
      if (transactionId === undefined) throw new StoreUnavailable("The Data API opened no transaction.");
      try {
        const result = await work({ rows: (sql, parameters) => rows(sql, parameters, transactionId) });
        await settled(() => client.send(new CommitTransactionCommand({ ...place, transactionId })), []);
        return result;
      } catch (error) {
        await client.send(new RollbackTransactionCommand({ ...place, transactionId })).catch(() => undefined);
        throw error;
      }
    },
  };
}

function toParameter(name: string, value: SqlValue): SqlParameter {
  if (value === null) return { name, value: { isNull: true } };
  if (typeof value === "string") return { name, value: { stringValue: value } };
  if (typeof value === "boolean") return { name, value: { booleanValue: value } };
  return { name, value: Number.isInteger(value) ? { longValue: value } : { doubleValue: value } };
}

function parse(text: string | undefined): unknown {
  return text === undefined ? null : JSON.parse(text);
}

/** "Not now, and nothing was done", as an exception's name or a socket's code. Of the first, a 400, the SDK tries none again. */
const notNow = new Set([
  "DatabaseResumingException",
  "DatabaseUnavailableException",
  "ServiceUnavailableError",
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
]);
/**
 * SQLSTATEs after which the same statement may simply run again: a serialization failure or a deadlock, rolled back whole; a
 * writer that a failover has made a reader (25006); a server that takes no connection, yet or any more; a password that is
 * refused because it is being rotated, and its secret is a moment behind (28P01).
 */
const didNothing = /SQLState: (40001|40P01|25006|28P01|57P03|08001|08004|53300)/;
/** The connection died, or nobody says what became of it: the caller's statement decides whether it may be repeated. */
const lostConnection = new Set([
  "TimeoutError",
  "ECONNRESET",
  "ETIMEDOUT",
  "EPIPE",
  "InternalServerErrorException",
  "StatementTimeoutException",
]);
const lostInside = /SQLState: (57P01|57P02|08000|08003|08006|08007|40003)/;

async function settledAfter<T>(
  send: () => Promise<T>,
  pauses: readonly number[],
  sleep: (milliseconds: number) => Promise<void>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      const { name = "", message = "", code = "" } = error as { name?: string; message?: string; code?: string };
      const again = notNow.has(name) || notNow.has(code) || didNothing.test(message);
      const pause = pauses[attempt];
      if (again && pause !== undefined) {
        await sleep(pause);
        continue;
      }
      if (again || lostConnection.has(name) || lostConnection.has(code) || lostInside.test(message)) {
        throw new StoreUnavailable(`The database cannot be reached: ${name}.`, { cause: error });
      }
      throw error;
    }
  }
}
