import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateResourceCommand } from "@aws-sdk/client-cloudcontrol";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DeleteSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import type { IntentView } from "../../core/intent.ts";
import type { Resource } from "../../core/resource.ts";
import { tenantsCluster } from "../../infra/fixed-names.ts";
import { targetRows } from "../../infra/target-rows.ts";
import type { HeardCall } from "../../local/heard-call.ts";
import { assumedRole } from "../../local/sts/start-sts.ts";
import {
  awsClients,
  type HttpClient,
  httpClient,
  intentEnd,
  putSim,
  resourcesOf,
  rotateStoreSecret,
  settleIntent,
  startTestMachine,
  type TestMachine,
} from "../support/machine.ts";
import { environmentOf, type Here, tenantsOf } from "./here.ts";
import { localStage } from "./local-stage.ts";

const orders = JSON.parse(readFileSync(new URL("../../examples/orders.json", import.meta.url), "utf8")) as {
  resources: { [name: string]: object };
};

export type FullRun = Here & {
  /** Every call that a service of this machine got, each once. */
  heard: HeardCall[];
  /** The routes that were called, as `METHOD /path`. */
  routes: Set<string>;
};

/**
 * All that Cairn can be seen doing on one machine: every route, both machines by every way through them that calls another
 * function, both providers through a whole life and through failures, drift, every rule, a rotation of each secret, migrations
 * that run, ask a cluster where it is, and fail.
 */
export async function fullRun(): Promise<FullRun> {
  const heard = new Map<string, HeardCall>();
  const hear = (call: HeardCall) => {
    const told = { ...call, caller: assumedRole(call.caller) ?? call.caller };
    heard.set(JSON.stringify(told), told);
  };
  const periods = { sweep: 2, drift: 4, measure: 4, housekeeping: 4 };
  const machine = await startTestMachine({ periods }, hear);
  const routes = new Set<string>();
  try {
    await putSim(machine.endpoints, "settings", { provisionSeconds: 0.2, requestsPerSecond: 1000, burst: 1000 });
    const callers = await noting(machine, routes);
    const has = (action: string, caller: string) =>
      [...heard.values()].some((call) => call.action === action && call.caller.includes(caller));
    const until = async (what: string, seen: () => boolean | Promise<boolean>) => {
      for (const end = Date.now() + patience * 1000; !(await seen()); await sleep(100))
        if (Date.now() > end) throw new Error(`nobody saw ${what}`);
    };
    const run = { machine, ...callers, has, until };
    await readAndWriteCatalog(run);
    await liveAndDie(run);
    await production(run);
    await fail(run);
    await keepUp(run);
    const tenants = await tenantsOf(callers.platform);
    return { heard: [...heard.values()], routes, environment: await environmentOf(machine), tenants };
  } finally {
    await machine.close();
  }
}

type Run = {
  machine: TestMachine;
  platform: HttpClient;
  developer: HttpClient;
  anonymous: HttpClient;
  has: (action: string, caller: string) => boolean;
  until: (what: string, seen: () => boolean | Promise<boolean>) => Promise<void>;
};

async function noting(machine: TestMachine, routes: Set<string>) {
  const note =
    (send: HttpClient): HttpClient =>
    (method, path, ...rest) => {
      routes.add(`${method} ${path.split("?")[0]}`);
      return send(method, path, ...rest);
    };
  return {
    platform: note(machine.platform),
    developer: note(machine.developer),
    anonymous: note(httpClient(machine.endpoints.api, null)),
  };
}

async function readAndWriteCatalog({ platform, developer, anonymous }: Run): Promise<void> {
  for (const path of ["/healthz", "/openapi.json"]) await ok(anonymous("GET", path));
  await ok(platform("PUT", "/v1/teams/payments", { contact: "payments@example.com" }));
  await ok(platform("PUT", "/v1/services/orders?team=payments", { description: "takes orders" }));
  await ok(platform("PUT", "/v1/environments/preview", { tier: "staging" }));
  for (const name of ["teams", "environments", "resource-types", "targets"]) await ok(platform("GET", `/v1/${name}`));
  for (const name of ["services", "resources", "orphans", "drift/reports", "drift/findings"])
    await ok(developer("GET", `/v1/${name}`));
  for (const one of ["teams/payments", "services/orders", "environments/preview", "resource-types/bucket"])
    await ok(developer("GET", `/v1/${one}`));
}

/** Seconds, of which a machine that has nothing else to do needs ten: only what never comes runs out of them. */
const patience = 180;
const settled = (send: HttpClient, document: object) => settleIntent(send, document, patience);
const intent = (service: string, resources: object, more: object = {}) => ({
  action: "apply",
  team: "payments",
  service,
  environment: "staging",
  resources,
  ...more,
});
const fault = (operation: string, typeName: string, error: string, more: object = {}) => ({
  operation,
  typeName,
  when: "before",
  probability: 1,
  times: 1,
  error,
  ...more,
});

/** Every golden path from the first apply to the last delete, with what may go wrong on the way. */
async function liveAndDie({ machine, developer, has, until }: Run): Promise<void> {
  await putSim(machine.endpoints, "faults", [
    fault("CreateResource", "AWS::ElastiCache::ServerlessCache", "ThrottlingException"),
    fault("CreateResource", "AWS::SQS::Queue", "ClientTokenConflictException"),
  ]);
  const accepted = await settled(developer, orders);
  ends(accepted, "READY");
  await until("the sweep start what waited", () => has("states:StartExecution", "local-sweep"));

  const changed = {
    ...orders.resources,
    cache: { type: "redis", class: "medium" },
    events: { type: "topic", parameters: { partitions: 7 } },
    jobs: { type: "queue", parameters: { visibilityTimeoutSeconds: 45 } },
    files: { type: "bucket", parameters: { expireAfterDays: 30 } },
    "api-key": { type: "secret", parameters: { description: "of the shop" } },
    "db-url": { type: "parameter", parameters: { value: "${resources.db.outputs.url}", description: "where to" } },
  };
  ends(await settled(developer, intent("orders", changed)), "READY");
  await tamperWithTheLogin(machine, developer);

  const { id = "" } = (await resourcesOf(developer, "orders")).get("files") ?? {};
  for (const path of [`resources/${id}`, `resources/${id}/events`, `intents/${accepted.id}`])
    await ok(developer("GET", `/v1/${path}`));
  await ok(developer("GET", `/v1/decisions/${accepted.decision.id}`));
  const looked = await ok(developer("POST", `/v1/resources/${id}/verify`));
  const report = looked.headers.get("location") ?? "";
  await until(
    "the look's end",
    async () => (await ok(developer<{ status: string }>("GET", report))).body.status === "DONE",
  );

  const { resources: _, ...all } = intent("orders", {}, { action: "delete" });
  ends(await settled(developer, all), "DELETED");
}

/** The shared cluster's login: another version of its secret, then none at all, both mended by the next apply. */
async function tamperWithTheLogin(machine: TestMachine, developer: HttpClient): Promise<void> {
  const { secretsManager } = awsClients(machine.endpoints);
  const SecretId = String((await resourcesOf(developer, "orders")).get("db")?.outputs.secretArn);
  const SecretString = JSON.stringify({ username: "orders", password: "another-one-of-some-length" });
  await secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString }));
  ends(await settled(developer, intent("orders", { db: { type: "postgres", class: "medium" } })), "READY");
  await secretsManager.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
  ends(await settled(developer, intent("orders", { db: { type: "postgres", class: "large" } })), "READY");
  secretsManager.destroy();
}

/** In production a database is an instance of its own. */
async function production({ developer }: Run): Promise<void> {
  const there = { environment: "production" };
  ends(await settled(developer, intent("ledger", { db: { type: "postgres" } }, there)), "READY");
  const open = { db: { type: "postgres", parameters: { deletionProtection: false } } };
  ends(await settled(developer, intent("ledger", open, there)), "READY");
  ends(await settled(developer, intent("ledger", { db: {} }, { ...there, action: "delete" })), "DELETED");
}

async function fail({ machine, platform, developer, has, until }: Run): Promise<void> {
  await ok(platform("PUT", "/v1/targets/staging/aws/breakers/AWS::SQS", { state: "CLOSED" }));
  await putSim(machine.endpoints, "faults", [
    fault("CreateResource", "AWS::S3::Bucket", "AccessDenied", { stage: "handler", times: 2 }),
  ]);
  ends(await settled(developer, intent("shop", { files: { type: "bucket" } })), "FAILED");
  const { id } = (await resourcesOf(developer, "shop")).get("files") as Resource;
  await ok(developer("POST", `/v1/resources/${id}/retry`, {}));
  const status = async () => (await ok(developer<Resource>("GET", `/v1/resources/${id}`))).body.status;
  await until("the retry fail too", async () => (await status()) === "FAILED");
  await ok(platform("POST", `/v1/resources/${id}/abandon`, {}));

  // A step that ends in an error nobody expected: the store refuses to call one resource READY.
  const session = new pg.Client({ connectionString: `${machine.endpoints.postgres.replace(/\/[^/]*$/, "")}/cairn` });
  await session.connect();
  try {
    await session.query(`
      create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
      create trigger refuse before update on cairn.resources for each row
        when (new.status = 'READY' and new.name = 'refused') execute function public.refuse()`);
    const stumbling = await ok(
      developer<IntentView>("POST", "/v1/intents", intent("shop", { refused: { type: "queue" } }), {
        "idempotency-key": randomUUID(),
      }),
    );
    await until("a step be given back", () => has("rds-data:ExecuteStatement", "local-release-operation"));
    await session.query("drop function public.refuse() cascade");
    ends(await intentEnd(developer, stumbling.body.id, patience), "READY");
    await migrateWrongly(machine, session);
  } finally {
    await session.end();
  }
}

/** The trigger of a deployment, on a store that another Cairn has migrated: all of it is rolled back. */
async function migrateWrongly(machine: TestMachine, session: pg.Client): Promise<void> {
  await session.query("update cairn.migrations set hash = 'x' || hash");
  const error = await invoke(machine, "migrate", { targets: [] });
  await session.query("update cairn.migrations set hash = substr(hash, 2)");
  if (!error?.includes("MigrationMismatch")) throw new Error("the migrations ran on another Cairn's store");
}

/** What happens by itself, and what the platform team has happen. */
async function keepUp({ machine, developer, platform, has, until }: Run): Promise<void> {
  ends(await settled(developer, intent("kept", { db: { type: "postgres" }, jobs: { type: "queue" } })), "READY");
  await until(
    "drift be looked for",
    () => has("cloudformation:GetResource", "") && has("sts:AssumeRole", "local-observe-drift"),
  );
  for (const name of ["housekeeping", "measure", "report-drift"])
    await until(`the rule that calls ${name}`, () => has("rds-data:ExecuteStatement", `local-${name}`));
  for (const role of ["owner", "api", "platform", "worker"]) await rotateStoreSecret(machine.endpoints, role, patience);

  // What a target's stack makes. The deployment's own rows are of an environment that nothing else lives in.
  const { cloudControl } = awsClients(machine.endpoints);
  const cluster = { DBClusterIdentifier: tenantsCluster(localStage, localStage.targets[0] as never) };
  const DesiredState = JSON.stringify({
    ...cluster,
    Engine: "aurora-postgresql",
    MasterUsername: "cairn_tenants",
    ManageMasterUserPassword: true,
  });
  await cloudControl.send(new CreateResourceCommand({ TypeName: "AWS::RDS::DBCluster", DesiredState }));
  cloudControl.destroy();
  await sleep(1000);
  const rows = targetRows(localStage).filter(
    ({ environment, provider }) => environment === "staging" && provider === "postgres",
  );
  const targets = rows.map((row) => ({ ...row, environment: "preview" }));
  const error = await invoke(machine, "migrate", { targets });
  if (error !== undefined) throw new Error(`migrate: ${error}`);
  await ok(platform("GET", "/v1/targets?environment=preview"));
  await ok(platform("GET", "/v1/drift/reports"));
}

async function invoke(machine: TestMachine, FunctionName: string, payload: object): Promise<string | undefined> {
  const { lambda: endpoint, region } = machine.endpoints;
  const client = new LambdaClient({ endpoint, region, credentials: { accessKeyId: "any", secretAccessKey: "any" } });
  const command = new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(payload)) });
  const { FunctionError, Payload } = await client.send(command);
  client.destroy();
  return FunctionError === undefined ? undefined : (Payload?.transformToString() ?? FunctionError);
}

async function ok<Reply extends { status: number; body: unknown }>(sent: Promise<Reply>): Promise<Reply> {
  const answer = await sent;
  if (answer.status >= 300) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}

function ends({ status, resources }: IntentView, expected: string): void {
  if (status !== expected) throw new Error(`${status}, not ${expected}: ${JSON.stringify(resources)}`);
}
