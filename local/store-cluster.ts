import { randomBytes } from "node:crypto";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import pg from "pg";

export const storeRoles = ["owner", "api", "platform", "worker", "tenants"] as const;
export type ClusterRole = (typeof storeRoles)[number];

/** What a deployment on AWS makes with CloudFormation: a secret for each database role, its value made once. */
export async function ensureSecrets(
  client: SecretsManagerClient,
  address: { host: string; port: number },
): Promise<{ [role in ClusterRole]: { arn: string; username: string; password: string } }> {
  const made = storeRoles.map(async (role) => [role, await ensureSecret(client, role, address)] as const);
  return Object.fromEntries(await Promise.all(made)) as Awaited<ReturnType<typeof ensureSecrets>>;
}

async function ensureSecret(client: SecretsManagerClient, role: ClusterRole, address: { host: string; port: number }) {
  const name = `cairn/store/${role}`;
  try {
    const known = await client.send(new GetSecretValueCommand({ SecretId: name }));
    const { username, password } = JSON.parse(known.SecretString ?? "{}") as { username: string; password: string };
    return { arn: known.ARN ?? "", username, password };
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  const username = `cairn_${role}`;
  const password = randomBytes(24).toString("base64url");
  const made = await client.send(
    new CreateSecretCommand({
      Name: name,
      SecretString: JSON.stringify({ engine: "postgres", ...address, username, password, dbname: "cairn" }),
    }),
  );
  return { arn: made.ARN ?? "", username, password };
}

/**
 * What an Aurora cluster has before Cairn comes: the store's database with its owner, and for tenants an admin who is no
 * superuser, as on AWS, with a database to connect to. Repeated at every start.
 */
export async function prepareCluster(
  superuserUrl: string,
  owner: { username: string; password: string },
  tenants: { username: string; password: string },
): Promise<void> {
  const session = new pg.Client({ connectionString: superuserUrl });
  await session.connect();
  try {
    await ensureLogin(session, owner, "createrole");
    await ensureLogin(session, tenants, "createrole createdb");
    await ensureDatabase(session, "cairn", owner.username);
    await ensureDatabase(session, "cairn_tenants", tenants.username);
    // Every login may connect to every database until PUBLIC's right is taken away.
    for (const name of ["cairn_tenants", "postgres", "template1"]) {
      await session.query(`revoke connect, temporary on database ${name} from public`);
    }
  } finally {
    await session.end();
  }
}

/**
 * Cairn's own roles, once all of them are made, get the connections that the server reserves: a tenant's databases on the same
 * cluster could otherwise take every one, and with them Cairn's store.
 */
export async function reserveConnections(superuserUrl: string, logins: readonly { username: string }[]): Promise<void> {
  const session = new pg.Client({ connectionString: superuserUrl });
  await session.connect();
  const names = logins.map(({ username }) => pg.escapeIdentifier(username)).join(", ");
  await session.query(`grant pg_use_reserved_connections to ${names}`).finally(() => session.end());
}

async function ensureLogin(
  session: pg.Client,
  login: { username: string; password: string },
  rights: string,
): Promise<void> {
  const { rowCount } = await session.query("select from pg_roles where rolname = $1", [login.username]);
  const verb = rowCount === 0 ? "create" : "alter";
  const name = pg.escapeIdentifier(login.username);
  await session.query(`${verb} role ${name} with login ${rights} password ${pg.escapeLiteral(login.password)}`);
}

async function ensureDatabase(session: pg.Client, name: string, owner: string): Promise<void> {
  const { rowCount } = await session.query("select from pg_database where datname = $1", [name]);
  if (rowCount === 0) await session.query(`create database ${name} owner ${pg.escapeIdentifier(owner)}`);
}
