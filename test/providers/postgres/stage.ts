import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RDSDataClient } from "@aws-sdk/client-rds-data";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import { derivedName } from "../../../core/names.ts";
import type { ProviderCall } from "../../../core/provider.ts";
import { openCloud } from "../../../local/cloud/open-cloud.ts";
import { startRdsData } from "../../../local/rds-data/start-rds-data.ts";
import { startSecretsManager } from "../../../local/secrets-manager/start-secrets-manager.ts";
import { createPostgresProvider } from "../../../providers/postgres/postgres-provider.ts";
import { createNetwork } from "../../support/fault-proxy.ts";
import { createTestDatabase } from "../../support/postgres.ts";
import type { Stage } from "../contract.ts";

const clusterArn = "arn:aws:rds:eu-west-1:000000000000:cluster:shared";
const adminSecretArn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:shared-admin-AbCdEf";

export type PostgresStage = Stage & {
  superuser: pg.Client;
  secrets: SecretsManagerClient;
  /** The database the admin connects to, and the admin's name. */
  adminDatabase: string;
  admin: string;
  login(call: ProviderCall, database?: string): Promise<pg.Client>;
};

/**
 * The provider before a real Postgres whose admin is what RDS gives: CREATEROLE and CREATEDB, and no superuser. The
 * admin owns its own database and nothing else, so other test files' databases are out of its reach.
 */
export async function startPostgresStage(): Promise<PostgresStage> {
  const database = await createTestDatabase();
  const admin = `admin_${database.name}`;
  const superuser = new pg.Client({ connectionString: database.url });
  await superuser.connect();
  await superuser.query(`create role ${admin} login createrole createdb password 'admin'`);
  await superuser.query(`alter database ${database.name} owner to ${admin}`);
  // Closing it would grant a right to every role of the run's cluster, other test files' among them.
  await superuser.query(`revoke connect on database ${database.name} from public`);

  const network = createNetwork();
  const rdsData = await startRdsData({
    postgres: database,
    resourceArn: clusterArn,
    readSecret: async (arn) => (arn === adminSecretArn ? { username: admin, password: "admin" } : undefined),
  });
  const home = await mkdtemp(join(tmpdir(), "cairn test secrets-"));
  const cloud = openCloud(join(home, "cloud.db"));
  const secretsManager = await startSecretsManager({ store: cloud });
  const options = { region: "eu-west-1", credentials: { accessKeyId: "any", secretAccessKey: "any" }, maxAttempts: 1 };
  const rdsDataUrl = await network.to(rdsData.url);
  const secretsUrl = await network.to(secretsManager.url);
  const provider = createPostgresProvider({
    dataFor: () => new RDSDataClient({ ...options, endpoint: rdsDataUrl }),
    secretsFor: () => new SecretsManagerClient({ ...options, endpoint: secretsUrl }),
  });
  const secrets = new SecretsManagerClient({ ...options, endpoint: secretsManager.url });
  const target = {
    region: "eu-west-1",
    clusterArn,
    adminSecretArn,
    host: database.host,
    port: database.port,
    database: database.name,
  };
  const calls: ProviderCall[] = [];

  const login = async (call: ProviderCall, to?: string) => {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: call.externalName }));
    const { host, port, username, password, dbname } = JSON.parse(SecretString ?? "{}") as Record<string, string>;
    const client = new pg.Client({ host, port: Number(port), user: username, password, database: to ?? dbname });
    // A forced drop ends the session, which is what is tested and no fault.
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };

  return {
    provider,
    network,
    superuser,
    secrets,
    admin,
    adminDatabase: database.name,
    login,
    optional: {
      property: "ConnectionLimit",
      async look({ externalName: name }) {
        const { rows } = await superuser.query("select datconnlimit as n from pg_database where datname = $1", [name]);
        return rows[0].n;
      },
    },
    attributes: ["Host", "Port", "Database", "Role", "SecretArn", "Url"],
    newCall() {
      const resourceId = randomUUID();
      const name = derivedName("orders", "db", resourceId, { maxLength: 63, separator: "_" });
      const call: ProviderCall = {
        resourceId,
        team: "payments",
        service: "orders",
        environment: "staging",
        name: "db",
        kind: "Postgres::Database",
        externalName: name,
        identifier: null,
        desired: { Database: name, Role: name, ConnectionLimit: 20 },
        target,
        token: randomUUID(),
        request: null,
        tokenAgeSeconds: null,
        signal: AbortSignal.timeout(20_000),
      };
      calls.push(call);
      return call;
    },
    async count({ externalName: name }) {
      const { rows } = await superuser.query(
        "select (select count(*) from pg_database where datname = $1) + (select count(*) from pg_roles where rolname = $1) as n",
        [name],
      );
      const secret = await secrets.send(new GetSecretValueCommand({ SecretId: name })).then(
        () => 1,
        () => 0,
      );
      // A database, its role and its secret are one object; a part of it is a fault, and shows as a fraction.
      return (Number(rows[0].n) + secret) / 3;
    },
    async meddle({ externalName: name }) {
      await superuser.query(`alter database "${name}" connection limit 3`);
      await superuser.query(`grant connect on database "${name}" to public`);
      return ["/ConnectionLimit", "/AlsoMayConnect"];
    },
    async occupy({ externalName: name }) {
      await superuser.query(`create database "${name}"`);
      await superuser.query(`comment on database "${name}" is 'cairn:resource-id=${randomUUID()}'`);
      const query = "select * from pg_database where datname = $1";
      return { identifier: name, look: async () => (await superuser.query(query, [name])).rows };
    },
    async stop() {
      await network.close();
      await rdsData.close();
      await secretsManager.close();
      cloud.close();
      await rm(home, { recursive: true, force: true });
      for (const { externalName } of calls) {
        await superuser.query(`drop database if exists "${externalName}" with (force)`);
        await superuser.query(`drop role if exists "${externalName}"`);
      }
      await superuser.end();
      await database.drop();
      const cleaner = new pg.Client({ connectionString: database.superuserUrl });
      await cleaner.connect();
      await cleaner.query(`drop owned by ${admin}`);
      await cleaner.query(`drop role ${admin}`);
      await cleaner.end();
    },
  };
}
