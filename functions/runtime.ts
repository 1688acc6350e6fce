// The one place that reads the environment and wires the ports. Every function takes from here only what it needs, so that
// its bundle holds no more; what is made once per sandbox is kept.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import { RDSDataClient, type RDSDataClientConfig } from "@aws-sdk/client-rds-data";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { v7 as uuidv7 } from "uuid";
import { callerRules, plainRules } from "../api/caller-rules.ts";
import type { ApiDeps } from "../api/deps.ts";
import { openSchemas } from "../aws-schemas/read-schema.ts";
import { type Pace, paceOf } from "../control/pace.ts";
import type { Executions } from "../core/executions.ts";
import type { JsonObject } from "../core/json.ts";
import type { Providers } from "../core/provider.ts";
import type { DriftStore, WorkerStore } from "../core/store.ts";
import { createApiStore } from "../database/api-store.ts";
import { createDatabase, type Database } from "../database/data-api.ts";
import { driftWorkerQueries } from "../database/drift.ts";
import { operationQueries } from "../database/operations.ts";
import type { Rotation } from "../database/rotation.ts";
import { awsKindSchemas } from "../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../golden-paths/load-golden-paths.ts";
import { denyAll, loadPolicy } from "../policies/evaluate.ts";
import { createAwsProvider } from "../providers/aws/aws-provider.ts";
import { createPostgresProvider } from "../providers/postgres/postgres-provider.ts";
import { assumeTargetRole } from "./assume-target-role.ts";
import { alsoLog, log } from "./log.ts";
import { loggedCalls } from "./logged-calls.ts";
import { loggedProviders } from "./logged-providers.ts";
import { loggedStore } from "./logged-store.ts";
import type { StoreRole } from "./manifest.ts";
import { startExecutions } from "./start-executions.ts";

/** A value that is missing ends the sandbox's start, with the variable's name. */
function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set in this function's environment.`);
  return value;
}

function seconds(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} must be a number of seconds above 0.`);
  return value;
}

/** The folder that holds golden-paths/, policies/, aws-schemas/ and database/: beside the bundle on AWS, else the repository. */
const bundle = process.env.LAMBDA_TASK_ROOT;
const assets = bundle ? pathToFileURL(`${bundle}/`) : new URL("../", import.meta.url);
const schemaFile = new URL("aws-schemas/aws-schemas.bin", assets);

/** The deployment that measurements are of. */
export function stage(): string {
  return setting("CAIRN_STAGE");
}

/**
 * A database that does not answer is unavailable, and says so before the function's own time is over (law F8): the API makes two
 * calls in 29 s, a task two around half a lease for its provider. What the owner does, building an index say, may take longer.
 */
const patience = { connectionTimeout: 3000, requestTimeout: 12_000, throwOnRequestTimeout: true };
/** Pauses for the owner: its password changes in place when it is rotated, and its secret follows within seconds. */
const untilRotated = [100, 400, 1200, 3000, 6000];

/** One database role, by the secret that this function may read. */
export function storeDatabase(role: StoreRole): Database {
  const secretArn = secretOf(role);
  return role === "owner"
    ? storeUnder(secretArn, {}, untilRotated)
    : storeUnder(secretArn, { requestHandler: patience });
}

/** SDK retries are off: `database/data-api.ts` retries. */
function storeUnder(secretArn: string, how: RDSDataClientConfig, pauses?: readonly number[]): Database {
  return createDatabase({
    client: new RDSDataClient({ maxAttempts: 1, ...how }),
    resourceArn: setting("CAIRN_STORE_ARN"),
    secretArn,
    database: setting("CAIRN_STORE_DATABASE"),
    ...(pauses === undefined ? {} : { pauses }),
  });
}

function secretOf(role: StoreRole): string {
  return setting(`CAIRN_STORE_SECRET_${role.toUpperCase()}`);
}

/** What rotating the secrets of the store's roles needs. */
export function storeRotation(): Rotation {
  return {
    secrets: new SecretsManagerClient({}),
    under: (secretArn, pauses = untilRotated) => storeUnder(secretArn, { requestHandler: patience }, pauses),
    ownerSecretArn: secretOf("owner"),
    trialPrefix: `cairn-${stage()}-new-`,
  };
}

export function workerStore(): WorkerStore {
  return loggedStore(operationQueries(storeDatabase("worker"), (resource) => alsoLog({ resource })));
}

export function driftStore(): DriftStore {
  return driftWorkerQueries(storeDatabase("worker"));
}

export function pace(): Pace {
  return paceOf(seconds("CAIRN_LEASE_SECONDS", 60));
}

/** How often the sweep runs: a stage may slow it down to let its store sleep. */
export function sweepSeconds(): number {
  return seconds("CAIRN_SWEEP_SECONDS", 60);
}

/** How long after a look at a READY resource the next one is due. */
export function driftIntervalSeconds(): number {
  return seconds("CAIRN_DRIFT_INTERVAL_SECONDS", 21_600);
}

export function executions(): Executions {
  return startExecutions(new SFNClient({}), setting("CAIRN_MACHINE_ARN_PREFIX"));
}

/** A client's settings for a target: its region, its account's role. SDK retries are off: the state machine retries. */
function inTarget(target: JsonObject) {
  return {
    ...(typeof target.region === "string" ? { region: target.region } : {}),
    ...assumeTargetRole(target),
    maxAttempts: 1,
  };
}

/** @param maxAttempts more than one where no state machine retries */
export function cloudControlIn(target: JsonObject, maxAttempts = 1): CloudControlClient {
  return new CloudControlClient({ ...inTarget(target), maxAttempts });
}

/** In a target that has a role for looking alone, who only looks takes on that one. */
export function lookingAt(target: JsonObject): JsonObject {
  return target.lookRoleArn === undefined ? target : { ...target, roleArn: target.lookRoleArn };
}

/** Every provider, each with clients in the target's region and account. */
export function providers(use: "look" | "change"): Providers {
  const as = (target: JsonObject) => (use === "look" ? lookingAt(target) : target);
  const schemas = openSchemas(schemaFile);
  const named = stage();
  return loggedProviders({
    aws: createAwsProvider({
      clientFor: (target) => loggedCalls(cloudControlIn(as(target)), named),
      readSchema: (typeName) => schemas.read(typeName),
    }),
    postgres: createPostgresProvider({
      dataFor: (target) => loggedCalls(new RDSDataClient(inTarget(as(target))), named),
      secretsFor: (target) => loggedCalls(new SecretsManagerClient(inTarget(as(target))), named),
    }),
  });
}

/** What the API needs. A policy that cannot be loaded denies everything and says so (law F16). */
export async function apiDeps(): Promise<ApiDeps> {
  const policy = await loadPolicy(new URL("policies/", assets)).catch((error: Error) => {
    log("error", "policy cannot be loaded: everything is denied", { error: error.message });
    return denyAll(error.message);
  });
  const databases = { api: storeDatabase("api"), platform: storeDatabase("platform") };
  const callers = process.env.CAIRN_CALLERS;
  const ownPaths = process.env.CAIRN_GOLDEN_PATHS;
  // What lies beside a bundle was checked before it was bundled (cdk.json).
  const checked = ownPaths === undefined && bundle !== undefined;
  return {
    store: createApiStore(databases, pace().leaseSeconds),
    goldenPaths: loadGoldenPaths(ownPaths ?? new URL("golden-paths/", assets), awsKindSchemas(schemaFile), checked),
    policy,
    executions: executions(),
    contract: () => JSON.parse(readFileSync(new URL("openapi.json", assets), "utf8")) as object,
    newId: () => uuidv7(),
    now: () => Math.floor(Date.now() / 1000),
    callers: callers === undefined ? plainRules : callerRules.parse(JSON.parse(callers)),
    log: ({ level, what, ...fields }) => log(level === "warn" ? "info" : "error", what, fields),
  };
}

/** The stage's targets, which a deployment puts beside the migrations. */
export const targetsFile = new URL("targets.json", assets);

/** Migrations and routines. */
export const databaseFolder = new URL("database/", assets);

/** The login that a store role's secret holds now. */
export async function storeSecret(role: StoreRole): Promise<{ username: string; password: string }> {
  const client = new SecretsManagerClient({});
  const answer = await client.send(new GetSecretValueCommand({ SecretId: secretOf(role) }));
  const { username, password } = JSON.parse(answer.SecretString ?? "{}") as { username?: string; password?: string };
  if (!username || !password) throw new Error(`The secret of the store's ${role} role holds no username and password.`);
  return { username, password };
}
