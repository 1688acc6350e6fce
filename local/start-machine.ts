import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type FunctionName, type FunctionSpec, functions, machines, schedules } from "../functions/manifest.ts";
import { startApiGateway } from "./api-gateway/api-gateway.ts";
import { audience, issuerName, openIssuer, startIssuerServer } from "./api-gateway/issuer.ts";
import { openCloud } from "./cloud/open-cloud.ts";
import { readLogin } from "./cloud/secrets.ts";
import { startCloudControl } from "./cloud-control/start-cloud-control.ts";
import { startSchedules } from "./events/schedules.ts";
import type { Hear } from "./heard-call.ts";
import { explainFileError, HomeError } from "./home/home-error.ts";
import type { Home } from "./home/open-home.ts";
import { startLambdaEndpoint } from "./lambda/endpoint.ts";
import type { LambdaError } from "./lambda/errors.ts";
import { createLambda, type Lambda } from "./lambda/lambda.ts";
import { startPostgres } from "./postgres/start-postgres.ts";
import { startRdsData } from "./rds-data/start-rds-data.ts";
import { createFailureReport } from "./report-failures.ts";
import { startSecretsManager } from "./secrets-manager/start-secrets-manager.ts";
import type { Settings } from "./settings.ts";
import { startStepFunctions } from "./step-functions/step-functions.ts";
import { type ClusterRole, ensureSecrets, prepareCluster, reserveConnections } from "./store-cluster.ts";
import { startSts } from "./sts/start-sts.ts";
import { localTargets } from "./targets.ts";

const region = "eu-central-1";
const accountId = "000000000000";
const clusterArn = `arn:aws:rds:${region}:${accountId}:cluster:cairn`;
const stageName = "local";
const machinePrefix = "cairn-";
/** What runs when the machine is stopped has this long to end; what has not is taken over at the next start. */
const graceMs = 1500;
const repository = new URL("../", import.meta.url);
/** Beside the code that it is of, for every home: a new one then starts its functions with 2 s of CPU less. */
const compileCache = new URL("node_modules/.cache/cairn", repository);

/** What an outside test or a curious person connects to. Written to `endpoints.json` in the home. */
export type Endpoints = {
  api: string;
  states: string;
  lambda: string;
  rdsData: string;
  cloudControl: string;
  secretsManager: string;
  sts: string;
  issuer: string;
  postgres: string;
  store: { resourceArn: string; secretArn: string; database: string };
  region: string;
  pid: number;
};

export type Machine = {
  endpoints: Endpoints;
  /** A token that this machine's API accepts. */
  token(claims: { team?: string; role: string; sub: string }): Promise<string>;
  /** Starts nothing more, lets what runs finish for a moment, and stops every part. */
  close(): Promise<void>;
};

/**
 * Starts this machine's AWS around Cairn: the same handlers, definitions and SDK clients, pointed at the rooms of `local/`.
 * Parts are closed in the reverse order of their start.
 *
 * @param hear is told of each call that its services get
 */
export async function startMachine(
  home: Home,
  settings: Settings,
  log: (line: string) => void,
  hear?: Hear,
): Promise<Machine> {
  const parts: { close(): Promise<void> | void }[] = [];
  const opened = <T extends { close(): Promise<void> | void }>(part: T): T => {
    parts.push(part);
    return part;
  };
  const close = async (): Promise<void> => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) await part.close();
  };

  try {
    const report = createFailureReport(home.path, log);
    const issuer = await openIssuer(home.path);
    // The port first: when it is taken, nothing else needs to start. It answers once everything behind it does.
    const behind = Promise.withResolvers<Lambda>();
    behind.promise.catch(() => undefined);
    const gateway = opened(
      await startApiGateway({
        port: settings.port,
        accountId,
        invoke: async (event) => (await behind.promise).invoke("api", event),
        authorizer: { issuer: issuerName, audience, jwks: issuer.jwks },
        openRoutes: ["GET /healthz", "GET /openapi.json"],
      }),
    );
    const issuerServer = opened(await startIssuerServer(issuer));

    const cloud = opened(openCloud(join(home.path, "cloud", "cloud.sqlite"), { region, accountId }));
    const cloudControl = opened(await startCloudControl({ store: cloud, report, hear }));
    const secretsManager = opened(
      await startSecretsManager({
        store: cloud,
        report,
        hear,
        invoke: async (functionArn, event) => (await (await behind.promise).invoke(functionArn, event)).ok,
      }),
    );
    const sts = opened(await startSts({ accountId, report, hear }));

    const postgres = await startPostgres({ home: home.path, log });
    opened({ close: () => postgres.stop() });
    const address = { host: postgres.host, port: postgres.port };
    const secretsClient = new SecretsManagerClient({
      region,
      endpoint: secretsManager.url,
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
    const secrets = await ensureSecrets(secretsClient, address);
    secretsClient.destroy();
    await prepareCluster(postgres.superuserUrl, secrets.owner, secrets.tenants);
    const rdsData = opened(
      await startRdsData({
        postgres: address,
        resourceArn: clusterArn,
        readSecret: async (arn) => readLogin(cloud, arn),
        hear,
      }),
    );

    // Step Functions invokes functions, and functions start executions: each gets to know the other here.
    const lambda = Promise.withResolvers<Lambda>();
    const states = await startStepFunctions({
      machines: Object.fromEntries(
        Object.entries(machines).map(([name, { definition }]) => [name, readDefinition(definition)]),
      ),
      invoke: async (name, payload) => (await lambda.promise).invoke(name, payload),
      database: join(home.path, "step-functions.sqlite"),
      region,
      accountId,
      namePrefix: machinePrefix,
      report,
      hear,
    });
    const aws = {
      AWS_ENDPOINT_URL_SFN: states.url,
      AWS_ENDPOINT_URL_RDS_DATA: rdsData.url,
      AWS_ENDPOINT_URL_CLOUDCONTROL: cloudControl.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
      AWS_ENDPOINT_URL_STS: sts.url,
    };
    const running = opened(
      createLambda({
        region,
        accountId,
        compileCache: fileURLToPath(compileCache),
        functions: Object.fromEntries(
          Object.entries(functions).map(([name, spec]) => [
            name,
            {
              entry: fileURLToPath(new URL(spec.entry, repository)),
              timeoutSeconds: spec.timeoutSeconds,
              memoryMb: spec.memoryMb,
              environment: {
                ...aws,
                ...functionEnvironment(spec, settings, states.arnPrefix, (role) => secrets[role].arn),
              },
            },
          ]),
        ),
        log: (name, text) => log(`${name}: ${text.trimEnd()}`),
      }),
    );
    lambda.resolve(running);
    // Closed before the functions that its executions call.
    opened({ close: () => states.close(graceMs) });
    const lambdaEndpoint = opened(await startLambdaEndpoint({ lambda: running }));

    const apiLoaded = running.provision("api");
    const targets = localTargets({ region, accountId, clusterArn, adminSecretArn: secrets.tenants.arn, ...address });
    await migrateStore(running, home.path, targets);
    await reserveConnections(postgres.superuserUrl, Object.values(secrets));

    const endpoints: Endpoints = {
      api: gateway.url,
      states: states.url,
      lambda: lambdaEndpoint.url,
      rdsData: rdsData.url,
      cloudControl: cloudControl.url,
      secretsManager: secretsManager.url,
      sts: sts.url,
      issuer: issuerServer.url,
      postgres: postgres.superuserUrl,
      store: { resourceArn: clusterArn, secretArn: secrets.owner.arn, database: "cairn" },
      region,
      pid: process.pid,
    };
    await refuseBroken(apiLoaded, settings);
    await home.writeAtomically("endpoints.json", `${JSON.stringify(endpoints, null, 2)}\n`, 0o600);
    behind.resolve(running);
    opened(
      startSchedules({
        schedules: Object.fromEntries(
          Object.entries(schedules).map(([name, { target }]) => [
            name,
            { periodSeconds: settings.periods[name] ?? 60, target },
          ]),
        ),
        invokeFunction: (name, event) => invokeOrThrow(running, name, event),
        startMachine: async (name, event) => {
          const resource = `${states.arnPrefix}${name}`;
          hear?.({ caller: "events.amazonaws.com", action: "states:StartExecution", resource, context: {} });
          return states.start(name, event);
        },
        region,
        accountId,
        log,
      }),
    );
    // The door closes before what is behind it stops: who is inside is still answered, and nobody is let in to an error.
    opened({ close: () => gateway.close() });
    return {
      endpoints,
      token: ({ sub, role, team }) => issuer.sign({ sub, role, ...(team === undefined ? {} : { team }) }, 43_200),
      close,
    };
  } catch (error) {
    await close();
    throw explainFileError(error, home.path);
  }
}

function readDefinition(file: string): object {
  return JSON.parse(readFileSync(new URL(file, repository), "utf8")) as object;
}

function functionEnvironment(
  spec: FunctionSpec,
  { periods, goldenPaths }: Settings,
  machineArnPrefix: string,
  secretArn: (role: ClusterRole) => string,
): { [name: string]: string } {
  const sweep = periods.sweep ?? 10;
  return {
    CAIRN_STAGE: stageName,
    CAIRN_STORE_ARN: clusterArn,
    CAIRN_STORE_DATABASE: "cairn",
    CAIRN_MACHINE_ARN_PREFIX: machineArnPrefix,
    // As on AWS: a lease is as long as the sweep's period, so that what is lost is found within two of them.
    CAIRN_LEASE_SECONDS: String(Math.min(60, Math.max(10, sweep))),
    CAIRN_SWEEP_SECONDS: String(sweep),
    CAIRN_DRIFT_INTERVAL_SECONDS: String((periods.drift ?? 60) / 2),
    ...(goldenPaths === undefined ? {} : { CAIRN_GOLDEN_PATHS: goldenPaths }),
    ...Object.fromEntries(spec.storeRoles.map((role) => [`CAIRN_STORE_SECRET_${role.toUpperCase()}`, secretArn(role)])),
  };
}

/** An API that cannot load would answer each request with a 500 that says nothing. */
async function refuseBroken(loaded: Promise<LambdaError | undefined>, { goldenPaths }: Settings): Promise<void> {
  const error = await loaded;
  if (error === undefined) return;
  const what = `${error.errorType}: ${error.errorMessage.split("\n", 1)[0]}`;
  if (goldenPaths === undefined) throw new Error(`the API does not load: ${what}`);
  throw new HomeError(`the API does not load with the golden paths in ${goldenPaths}: ${what}`);
}

/** @throws {HomeError} when the home's database was made by another version of Cairn */
async function migrateStore(lambda: Lambda, home: string, targets: object[]): Promise<void> {
  const result = await lambda.invoke("migrate", { targets });
  if (result.ok) return;
  const { errorType, errorMessage } = result.error;
  if (errorType !== "MigrationMismatch") throw new Error(`migrate: ${errorType}: ${errorMessage}`);
  throw new HomeError(`${home}: ${errorMessage}; move the folder away to start empty, or run the Cairn that made it`);
}

async function invokeOrThrow(lambda: Lambda, name: FunctionName | string, event: unknown): Promise<unknown> {
  const result = await lambda.invoke(name, event);
  if (!result.ok) throw new Error(`${name}: ${result.error.errorType}: ${result.error.errorMessage}`);
  return result.payload;
}
