import { fileURLToPath } from "node:url";
import { RDSDataClient } from "@aws-sdk/client-rds-data";
import pg from "pg";
import { createApiStore } from "../../database/api-store.ts";
import { createDatabase, type Database } from "../../database/data-api.ts";
import { driftWorkerQueries } from "../../database/drift.ts";
import { migrate } from "../../database/migrate.ts";
import { operationQueries } from "../../database/operations.ts";
import { ensureLogin } from "../../database/roles.ts";
import { startRdsData } from "../../local/rds-data/start-rds-data.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";

const resourceArn = "arn:aws:rds:eu-central-1:000000000000:cluster:cairn";
const roles = ["owner", "api", "platform", "worker"] as const;
export type TestRole = (typeof roles)[number];
/** Roles belong to the cluster, which all test files share: every file gives them the same password. */
const password = "the-same-in-every-test-file";
const setupLock = 7_243_002;

/** Holds the migrations and the routines. */
export const databaseFolder = fileURLToPath(new URL("../../database/", import.meta.url));

/**
 * A migrated store of its own on the run's Postgres, behind a Data API server, with a database for each role.
 *
 * @param options.clock `stands`: all SQL sees the moment at which the store was made, however long a test takes, and time passes
 *   where a test moves what is stored
 */
export async function createTestStore(options: { clock?: "runs" | "stands" } = {}) {
  const database = await createTestDatabase();
  await makeOwner(database);
  if (options.clock === "stands") await stopClock(database);
  const dataApi = await startRdsData({
    postgres: { host: database.host, port: database.port },
    resourceArn,
    readSecret: async (arn) => ({ username: `cairn_${arn.split(":").at(-1)}`, password }),
  });
  const client = new RDSDataClient({
    region: "eu-central-1",
    endpoint: dataApi.url,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  const counted = { statements: 0 };
  client.middlewareStack.add(
    (next) => (request) => {
      counted.statements += 1;
      return next(request);
    },
    { step: "initialize" },
  );
  const as = (role: TestRole): Database =>
    createDatabase({ client, resourceArn, secretArn: secretArn(role), database: database.name });
  await underLock(database, async () => {
    for (const role of ["cairn_api", "cairn_platform", "cairn_worker"])
      await ensureLogin(as("owner"), role, role, password);
    await migrate(as("owner"), databaseFolder);
  });
  const scoped = { api: as("api"), platform: as("platform") };
  return {
    database,
    as,
    /** How many Data API calls were made. */
    counted,
    api: createApiStore(scoped, 60),
    scoped,
    worker: operationQueries(as("worker")),
    drift: driftWorkerQueries(as("worker")),
    /** A role's other login, which takes turns with it when its secret is rotated. */
    makeClone: (role: TestRole) =>
      underLock(database, () => ensureLogin(as("owner"), `cairn_${role}`, `cairn_${role}_clone`, password)),
    /** A session of a role's own, for races and for looking behind row-level security. */
    async session(role: TestRole | `${TestRole}_clone` | "superuser"): Promise<pg.Client> {
      const url = new URL(database.url);
      if (role !== "superuser") {
        url.username = `cairn_${role}`;
        url.password = password;
      }
      const session = new pg.Client({ connectionString: url.href });
      await session.connect();
      return session;
    },
    async close() {
      client.destroy();
      await dataApi.close();
      await database.drop();
    },
  };
}

export type TestStore = Awaited<ReturnType<typeof createTestStore>>;

function secretArn(role: TestRole): string {
  return `arn:aws:secretsmanager:eu-central-1:000000000000:secret:${role}`;
}

async function makeOwner(database: TestDatabase): Promise<void> {
  await underLock(database, async (superuser) => {
    await superuser.query(
      `do $$ begin create role cairn_owner login createrole password '${password}'; exception when duplicate_object then null; end $$`,
    );
    await superuser.query(`alter database ${database.name} owner to cairn_owner`);
  });
}

/** Unqualified `now()` is found in a schema before `pg_catalog`, as in the simulation. */
async function stopClock({ url, name }: TestDatabase): Promise<void> {
  const superuser = new pg.Client({ connectionString: url });
  await superuser.connect();
  try {
    const { rows } = await superuser.query<{ now: string }>("select now()::text as now");
    await superuser.query("create schema clock");
    await superuser.query(
      `create function clock.now() returns timestamptz language sql stable as $$ select timestamptz '${rows[0]?.now}' $$`,
    );
    await superuser.query("grant usage on schema clock to public");
    await superuser.query(`alter database ${name} set search_path = clock, pg_catalog, public`);
  } finally {
    await superuser.end();
  }
}

async function underLock(database: TestDatabase, work: (superuser: pg.Client) => Promise<void>): Promise<void> {
  const superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  try {
    await superuser.query(`select pg_advisory_lock(${setupLock})`);
    await work(superuser);
  } finally {
    await superuser.end();
  }
}
