import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

export type TestDatabase = {
  name: string;
  host: string;
  port: number;
  /** The superuser's URL of this database. */
  url: string;
  /** The superuser's URL of the cluster's `postgres` database. */
  superuserUrl: string;
  /** Disconnects everybody and removes it. */
  drop(): Promise<void>;
};

/**
 * A fresh, empty database on the run's cluster (20 ms; the first of a run starts the cluster, 1.5 s). Roles are the
 * cluster's, not the database's: test files run side by side, so a role's name must hold something of the file's own,
 * the database's name for example.
 *
 * @param template the name of a database to copy, which nobody may be connected to
 */
export async function createTestDatabase(template = "template0"): Promise<TestDatabase> {
  const superuserUrl = await clusterUrl();
  const name = `test_${randomBytes(6).toString("hex")}`;
  await asSuperuser(superuserUrl, `create database ${name} template ${template}`);
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  return {
    name,
    host: url.hostname,
    port: Number(url.port),
    url: url.href,
    superuserUrl,
    drop: () => asSuperuser(superuserUrl, `drop database if exists ${name} with (force)`),
  };
}

async function clusterUrl(): Promise<string> {
  const response = await fetch(inject("postgresStarter"));
  const answer = await response.text();
  if (!response.ok) throw new Error(`the tests' Postgres did not start: ${answer}`);
  return answer;
}

async function asSuperuser(superuserUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
