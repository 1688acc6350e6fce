import type { RDSDataClient } from "@aws-sdk/client-rds-data";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { JsonObject } from "../../core/json.ts";
import type { Difference, Observation, Outcome, Provider, ProviderCall } from "../../core/provider.ts";
import { perTarget } from "../per-target.ts";
import { type Catalog, readCatalog } from "./catalog.ts";
import { type Credential, deleteCredential, describeCredential, ensureCredential, readPassword } from "./credential.ts";
import { type Run, statementRunner } from "./data-api.ts";
import * as sql from "./statements.ts";
import { rejected, StepFailed } from "./step-failed.ts";
import { type Wanted, wantedBy } from "./target.ts";
import { insisting } from "./tenants.ts";

export type PostgresProviderPorts = {
  /** Clients in the target's region and account, with SDK retries off (`maxAttempts: 1`): the state machine retries. */
  dataFor(target: JsonObject): RDSDataClient;
  secretsFor(target: JsonObject): SecretsManagerClient;
};

type Sight = {
  call: ProviderCall;
  wanted: Wanted;
  run: Run;
  secrets: SecretsManagerClient;
  catalog: Catalog;
  credential: Credential | null;
};

/**
 * Databases with a role each on a cluster that the target names, made through the RDS Data API, and a secret with the
 * role's login. Nothing here is asynchronous: `apply` does what is missing, step by step, and each step may be repeated,
 * so after a crash anywhere the next `apply` goes on from what it finds.
 */
export function createPostgresProvider(ports: PostgresProviderPorts): Provider {
  const dataFor = perTarget(ports.dataFor);
  const secretsFor = perTarget(ports.secretsFor);

  async function look(call: ProviderCall): Promise<Sight> {
    const wanted = wantedBy(call);
    const run = statementRunner(dataFor(call.target), wanted.target, call.signal);
    const secrets = secretsFor(call.target);
    const [catalog, credential] = await Promise.all([readCatalog(run, wanted), describeCredential(secrets, call)]);
    return { call, wanted, run: insisting(run), secrets, catalog, credential };
  }

  return {
    name: "postgres",
    consistent: true,
    observe: (call) => asObservation(async () => observed(await look(call))),
    apply: (call) => asOutcome(call, async () => converge(await look(call))),
    destroy: (call) => asOutcome(call, async () => remove(await look(call))),
  };
}

function observed(sight: Sight): Observation {
  const { wanted, catalog, credential } = sight;
  if (catalog.database === null && catalog.role === null && (credential === null || credential.deleting))
    return { state: "absent" };
  refuseOthers(sight);
  const differences = differencesOf(sight);
  const identifier = wanted.Database;
  const attributes = attributesOf(wanted, credential);
  return differences.length === 0
    ? { state: "ready", identifier, attributes }
    : { state: "drifted", identifier, attributes, differences };
}

/** Secret, role, database, rights: each needs the one before it. */
async function converge(sight: Sight): Promise<void> {
  refuseOthers(sight);
  const { call, wanted, run, secrets, catalog } = sight;
  const credential = await ensureCredential(secrets, call, wanted, sight.credential);
  const sound = catalog.role?.login === true && !catalog.role.elevated;
  if (!sound || catalog.role?.marker !== sql.roleMarker(wanted, credential.version)) {
    const { password, version } =
      credential.password === null
        ? await readPassword(secrets, call, credential.arn)
        : { password: credential.password, version: credential.version };
    await run(sql.makeRole(wanted, catalog.role !== null, password, version));
  }
  if (catalog.database?.halfDropped) await run(sql.dropDatabase(wanted));
  if (catalog.database === null || catalog.database.halfDropped) await run(sql.createDatabase(wanted));
  if (!isSettled(sight)) await run(sql.settleDatabase(wanted, catalog));
  for (const open of catalog.open) await run(sql.closeDatabase(open));
}

/** The secret goes last: until then it is how a half-removed resource is known to be there still. */
async function remove(sight: Sight): Promise<void> {
  refuseOthers(sight);
  const { call, wanted, run, secrets, catalog, credential } = sight;
  if (catalog.database !== null) {
    if (!catalog.database.halfDropped) await run(sql.sealDatabase(wanted));
    await run(sql.dropDatabase(wanted));
  }
  if (catalog.role !== null) await run(sql.dropRole(wanted));
  if (credential !== null) await deleteCredential(secrets, call, credential.arn);
}

/**
 * What bears our name and not our mark is somebody else's: never adopted, changed or dropped. A database of our role's is
 * ours whatever its comment says: it cannot be made and marked in one statement, and its owner may comment on it.
 */
function refuseOthers({ wanted, catalog: { role, database }, credential }: Sight): void {
  const taken = [
    role !== null && !isMarked(role.marker, wanted) ? `role ${wanted.Role}` : null,
    database !== null && !isMarked(database.marker, wanted) && !(database.owner === wanted.Role && role !== null)
      ? `database ${wanted.Database}`
      : null,
    credential !== null && !credential.ours ? `secret ${wanted.secretName}` : null,
  ].filter((name) => name !== null);
  if (taken.length === 0) return;
  throw rejected(
    "NOT_OURS",
    `${taken.join(", ")} exists and does not carry this resource's mark, so it is left alone; remove or rename it, or delete this resource and ask for it again under another name`,
  );
}

function isMarked(marker: string | null, wanted: Wanted): boolean {
  return marker === wanted.marker || (marker?.startsWith(`${wanted.marker} `) ?? false);
}

function differencesOf(sight: Sight): Difference[] {
  const { wanted, catalog, credential } = sight;
  const { role } = catalog;
  const differences: Difference[] = databaseDifferences(sight);
  if (role === null) differences.push({ pointer: "/Role", expected: wanted.Role, actual: null });
  else {
    if (!role.login) differences.push({ pointer: "/RoleMayLogIn", expected: true, actual: false });
    if (role.elevated) differences.push({ pointer: "/RoleIsElevated", expected: false, actual: true });
  }
  if (credential === null || credential.deleting) {
    differences.push({ pointer: "/SecretArn", expected: `the secret ${wanted.secretName}`, actual: null });
  } else if (role !== null && role.marker !== sql.roleMarker(wanted, credential.version)) {
    // The versions' ids are no secret; that they differ means that the secret's password does not open the database.
    const actual = /secret-version=(\S*)/.exec(role.marker ?? "")?.[1] ?? null;
    differences.push({ pointer: "/SecretVersion", expected: credential.version, actual });
  }
  return differences;
}

function databaseDifferences({ wanted, catalog }: Sight): Difference[] {
  const { database } = catalog;
  if (database === null) return [{ pointer: "/Database", expected: wanted.Database, actual: null }];
  const strangers = sql.strangersOf(wanted, catalog);
  const rows: Difference[] = [
    { pointer: "/Owner", expected: wanted.Role, actual: database.owner },
    { pointer: "/ConnectionLimit", expected: wanted.ConnectionLimit, actual: database.connectionLimit },
    { pointer: "/AllowsConnections", expected: true, actual: database.allowsConnections },
    { pointer: "/Mark", expected: wanted.marker, actual: database.marker },
    { pointer: "/AlsoMayConnect", expected: "", actual: strangers.join(", ") },
    { pointer: "/RoleMayConnect", expected: true, actual: database.connectors.includes(wanted.Role) },
  ];
  return rows.filter(({ expected, actual }) => expected !== actual);
}

function isSettled(sight: Sight): boolean {
  return databaseDifferences(sight).length === 0;
}

function attributesOf({ target, Database, Role, ConnectionLimit }: Wanted, credential: Credential | null): JsonObject {
  return {
    Host: target.host,
    Port: target.port,
    Database,
    Role,
    ConnectionLimit,
    SecretArn: credential?.arn ?? null,
    Url: `postgres://${Role}@${target.host}:${target.port}/${Database}`,
  };
}

async function asObservation(look: () => Promise<Observation>): Promise<Observation> {
  try {
    return await look();
  } catch (thrown) {
    if (!(thrown instanceof StepFailed)) throw thrown;
    return { state: "unknown", failure: thrown.failure, retryAfterSeconds: thrown.outcome === "throttled" ? 5 : null };
  }
}

async function asOutcome({ desired }: ProviderCall, act: () => Promise<void>): Promise<Outcome> {
  try {
    await act();
    const identifier = typeof desired.Database === "string" ? desired.Database : null;
    return { outcome: "accepted", request: null, identifier, retryAfterSeconds: 0 };
  } catch (thrown) {
    if (!(thrown instanceof StepFailed)) throw thrown;
    const { outcome, failure } = thrown;
    return outcome === "throttled" ? { outcome, failure, retryAfterSeconds: 5 } : { outcome, failure };
  }
}
