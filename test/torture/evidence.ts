import {
  GetSecretValueCommand,
  paginateListSecrets,
  type SecretListEntry,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import type { IntentView } from "../../core/intent.ts";
import type { Resource } from "../../core/resource.ts";
import type { Endpoints } from "../../local/start-machine.ts";
import { awsClients, type LedgerItem, ledgerOf } from "../support/machine.ts";
import type { InsistentCaller, Reply } from "./insistent-caller.ts";
import type { ServiceRecord } from "./record.ts";
import { readTables, type Tables } from "./tables.ts";

export type CloudCall = {
  at: string;
  operation: string;
  clientToken: string | null;
  result: string;
};

/** What each of the parties says about how things stand, when nothing is under way. */
export type Evidence = {
  /** Cairn's API. */
  intents: Map<string, IntentView>;
  resources: Map<string, Resource>;
  /** What is answered to every key that was answered 202. */
  replays: Map<string, Reply>;
  /** The cloud. */
  ledger: LedgerItem[];
  calls: CloudCall[];
  secrets: { name: string; owner: string | null }[];
  /** The shared cluster. */
  databases: { name: string; owner: string | null; connectionLimit: number }[];
  roles: { name: string; owner: string | null }[];
  /** What trying each READY database with its secret came to, by resource: `open`, or why not. */
  logins: Map<string, string>;
  /** Cairn's own tables. */
  tables: Tables;
};

export async function gather(
  endpoints: Endpoints,
  records: readonly ServiceRecord[],
  askAs: (team: string) => InsistentCaller,
): Promise<Evidence> {
  const session = new pg.Client({ connectionString: endpoints.postgres });
  await session.connect();
  try {
    const resources = await allResources([...new Set(records.map(({ team }) => team))], askAs);
    return {
      ...(await askAgain(records, askAs)),
      resources,
      ledger: await ledgerOf(endpoints),
      calls: await callsOf(endpoints),
      secrets: await secretsOf(endpoints),
      ...(await clusterOf(session)),
      logins: await logIn(endpoints, [...resources.values()]),
      tables: await readTables(endpoints),
    };
  } finally {
    await session.end();
  }
}

async function askAgain(records: readonly ServiceRecord[], askAs: (team: string) => InsistentCaller) {
  const intents = new Map<string, IntentView>();
  const replays = new Map<string, Reply>();
  for (const { team, accepted } of records) {
    const ask = askAs(team);
    for (const { key, document, view } of accepted) {
      const reply = await ask("GET", `/v1/intents/${view.id}`);
      if (reply.status === 200) intents.set(view.id, JSON.parse(reply.text) as IntentView);
      replays.set(key, await ask("POST", "/v1/intents", document, key));
    }
  }
  return { intents, replays };
}

async function allResources(teams: readonly string[], askAs: (team: string) => InsistentCaller) {
  const found = new Map<string, Resource>();
  for (const team of teams) {
    for (const filter of ["", "&status=DELETED"]) {
      for (let cursor: string | null = ""; cursor !== null; ) {
        const from: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const { text } = await askAs(team)("GET", `/v1/resources?limit=100${filter}${from}`);
        const page = JSON.parse(text) as { items: Resource[]; nextCursor: string | null };
        for (const resource of page.items) found.set(resource.id, resource);
        cursor = page.nextCursor;
      }
    }
  }
  return found;
}

async function callsOf({ cloudControl }: Endpoints): Promise<CloudCall[]> {
  return ((await (await fetch(`${cloudControl}/_sim/calls`)).json()) as { items: CloudCall[] }).items;
}

async function secretsOf(endpoints: Endpoints): Promise<Evidence["secrets"]> {
  const { secretsManager } = awsClients(endpoints);
  const found: SecretListEntry[] = [];
  const pages = paginateListSecrets({ client: secretsManager }, { MaxResults: 100, IncludePlannedDeletion: true });
  for await (const { SecretList: page = [] } of pages) found.push(...page);
  secretsManager.destroy();
  return found.map(({ Name: name = "", Tags: tags = [] }) => ({
    name,
    owner: tags.find(({ Key }) => Key === "cairn:resource-id")?.Value ?? null,
  }));
}

/** What is there beside Postgres's own and Cairn's. */
async function clusterOf(session: pg.Client): Promise<Pick<Evidence, "databases" | "roles">> {
  const owner = (catalog: string) =>
    `substring(shobj_description(oid, '${catalog}') from 'cairn:resource-id=([0-9a-f-]{36})') as owner`;
  const databases = await session.query(
    `select datname as name, ${owner("pg_database")}, datconnlimit as "connectionLimit" from pg_database
     where datname not in ('postgres', 'template0', 'template1', 'cairn', 'cairn_tenants')`,
  );
  const roles = await session.query(
    `select rolname as name, ${owner("pg_authid")} from pg_roles
     where rolname !~ '^(pg_|cairn_)' and rolname <> 'postgres'`,
  );
  return { databases: databases.rows, roles: roles.rows };
}

async function logIn(endpoints: Endpoints, resources: readonly Resource[]): Promise<Map<string, string>> {
  const { secretsManager } = awsClients(endpoints);
  const logins = new Map<string, string>();
  for (const { id, type, status, provider, outputs } of resources) {
    if (type !== "postgres" || status !== "READY" || provider !== "postgres") continue;
    logins.set(id, await opens(secretsManager, outputs));
  }
  secretsManager.destroy();
  return logins;
}

async function opens(secretsManager: SecretsManagerClient, { secretArn, url }: Resource["outputs"]): Promise<string> {
  try {
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: String(secretArn) }));
    const { password } = JSON.parse(SecretString ?? "{}") as { password: string };
    const login = new URL(String(url));
    login.password = password;
    const client = new pg.Client({ connectionString: login.href });
    await client.connect();
    await client.end();
    return "open";
  } catch (error) {
    return (error as Error).message;
  }
}
