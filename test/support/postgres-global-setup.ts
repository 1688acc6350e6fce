import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { type Postgres, startPostgres } from "../../local/postgres/start-postgres.ts";
import { removeLeftovers } from "./leftovers.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Answers with the superuser's URL of the run's cluster; the first request starts it. */
    postgresStarter: string;
  }
}

const prefix = "cairn test postgres-";

/**
 * One embedded cluster for the whole run, started by the first test file that asks for a database, so that a run without
 * one pays nothing. Durability is off here, and only here: what these databases hold is worth nothing after the run.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let cluster: Promise<{ home: string; postgres: Postgres }> | undefined;
  const server = createServer((_request, response) => {
    cluster ??= startCluster();
    cluster.then(
      ({ postgres }) => response.end(postgres.superuserUrl),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  project.provide("postgresStarter", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  return async () => {
    server.close();
    server.closeAllConnections();
    const started = await cluster?.catch(() => undefined);
    await started?.postgres.stop();
    if (started) await rm(started.home, { recursive: true, force: true });
  };
}

async function startCluster(): Promise<{ home: string; postgres: Postgres }> {
  await removeLeftovers(prefix, "postgres/data");
  const home = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
  const postgres = await startPostgres({ home, settings, log: (line) => console.error(line) });
  return { home, postgres };
}
