import pg from "pg";
import { DataApiError, isAuthenticationFailure } from "./errors.ts";
import type { FoundType } from "./result-types.ts";
import type { Secrets } from "./secrets.ts";

/** One connection in use. It must be released, once. */
export type Session = {
  client: pg.PoolClient;
  /** Types of the database's own that were seen in results. */
  types: Map<number, FoundType>;
  /**
   * Gives the connection back with nothing of its session left: settings, temporary tables, advisory locks, prepared
   * statements. `broken` closes it instead.
   */
  release(broken?: boolean): void;
};

export type Sessions = {
  acquire(secretArn: string, database: string | undefined): Promise<Session>;
  close(): Promise<void>;
};

export type SessionOptions = { host: string; port: number; secrets: Secrets; statementTimeout: number };

type Entry = { pool: pg.Pool; types: Map<number, FoundType> };

/** Connection pools, one for each secret and database, as the service keeps them. */
export function createSessions(options: SessionOptions): Sessions {
  const pools = new Map<string, Entry>();
  let closing = false;

  const connect = async (secretArn: string, database: string | undefined): Promise<Session> => {
    const { username, password } = await options.secrets.read(secretArn);
    // Without a database the service connects to one that is called like the user.
    const key = JSON.stringify([secretArn, database ?? username, username, password]);
    const entry = pools.get(key) ?? createPool(options, { user: username, password, database: database ?? username });
    pools.set(key, entry);
    try {
      return sessionOf(await entry.pool.connect(), entry.types);
    } catch (error) {
      // The user, the password or the database does not exist any more, or not yet.
      if (entry.pool.totalCount === 0 && pools.delete(key)) void entry.pool.end();
      throw error;
    }
  };

  return {
    async acquire(secretArn, database) {
      if (closing) throw new DataApiError("DatabaseUnavailableException", "The service is stopping");
      try {
        return await connect(secretArn, database);
      } catch (error) {
        if (!isAuthenticationFailure(error)) throw error;
        options.secrets.forget(secretArn);
        return connect(secretArn, database);
      }
    },
    async close() {
      closing = true;
      await Promise.all([...pools.values()].map(({ pool }) => pool.end()));
    },
  };
}

function createPool(options: SessionOptions, login: { user: string; password: string; database: string }): Entry {
  const pool = new pg.Pool({
    host: options.host,
    port: options.port,
    ...login,
    max: 20,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 45_000,
    application_name: "rds-data-api",
    // Given when connecting, so that DISCARD ALL comes back to them. The result's text forms depend on them.
    options: `-c statement_timeout=${options.statementTimeout} -c timezone=UTC -c datestyle=ISO -c bytea_output=hex`,
  });
  // A server that stops closes idle connections; the pool drops them by itself, and without a listener Node would exit.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return { pool, types: new Map() };
}

function sessionOf(client: pg.PoolClient, types: Map<number, FoundType>): Session {
  return {
    client,
    types,
    release(broken = false) {
      if (broken) return client.release(true);
      // The caller's answer does not wait for this.
      client.query("discard all").then(
        () => client.release(),
        () => client.release(true),
      );
    },
  };
}
