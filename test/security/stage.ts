import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ExecuteStatementCommand, RDSDataClient } from "@aws-sdk/client-rds-data";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import type { IntentView } from "../../core/intent.ts";
import type { Resource } from "../../core/resource.ts";
import {
  awsClients,
  type HttpClient,
  httpClient,
  intentEnd,
  putSim,
  resourcesOf,
  startTestMachine,
  type TestMachine,
} from "../support/machine.ts";

/** Both teams ask for this, in services of one name, under idempotency keys of one name. */
export const wanted = {
  files: { type: "bucket" },
  jobs: { type: "queue" },
  db: { type: "postgres" },
  note: { type: "parameter", parameters: { value: "${resources.db.outputs.url}" } },
};
export const sharedKey = "the-same-in-both-teams";

export type Side = {
  team: string;
  viewer: HttpClient;
  developer: HttpClient;
  /** The developer's, for what `fetch` cannot send. */
  token: string;
  intent: IntentView;
  resources: Map<string, Resource>;
};

/** Two teams with everything of the same name, on one machine that all suites of the folder share. */
export async function startStage() {
  const machine = await startTestMachine({ periods: { sweep: 2, drift: 2, housekeeping: 86_400 } });
  await putSim(machine.endpoints, "settings", { provisionSeconds: 0.2, requestsPerSecond: 1000, burst: 1000 });
  await machine.platform("PUT", "/v1/teams/search", { contact: "search@example.com" });
  const [payments, search] = await Promise.all([sideOf(machine, "payments"), sideOf(machine, "search")]);
  const superuser = new pg.Client({ connectionString: databaseUrl(machine, "cairn") });
  await superuser.connect();
  return {
    ...machine,
    payments,
    search,
    superuser,
    async close() {
      await superuser.end();
      await machine.close();
    },
  };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;

/** Sends an intent for the team's service without waiting for it. */
export function sendIntent<T = IntentView>(side: Side, service: string, rest: object, key: string = randomUUID()) {
  const document = { action: "apply", team: side.team, service, environment: "staging", ...rest };
  return side.developer<T>("POST", "/v1/intents", document, { "idempotency-key": key });
}

export function databaseUrl(machine: Pick<TestMachine, "endpoints">, database: string): string {
  const url = new URL(machine.endpoints.postgres);
  url.pathname = `/${database}`;
  return url.href;
}

/** A statement through the Data API, as whoever holds the secret. */
export async function statement(machine: TestMachine, secretArn: string, database: string, sql: string) {
  const { rdsData, region, store } = machine.endpoints;
  const client = new RDSDataClient({
    region,
    endpoint: rdsData,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
  try {
    return await client.send(new ExecuteStatementCommand({ resourceArn: store.resourceArn, secretArn, database, sql }));
  } finally {
    client.destroy();
  }
}

export async function secretOf(machine: TestMachine, id: string) {
  const { secretsManager } = awsClients(machine.endpoints);
  const { ARN = "", SecretString = "" } = await secretsManager.send(new GetSecretValueCommand({ SecretId: id }));
  return { arn: ARN, ...(JSON.parse(SecretString) as { username: string; password: string }) };
}

/** Asks until there is an answer, also outside a test, where `expect.poll` may not be. */
export async function eventually<T>(ask: () => Promise<T | null>, withinSeconds = 20): Promise<T> {
  for (const until = Date.now() + withinSeconds * 1000; ; await sleep(200)) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > until) throw new Error(`nothing came within ${withinSeconds} s: ${ask}`);
  }
}

async function sideOf(machine: TestMachine, team: string): Promise<Side> {
  const token = await machine.machine.token({ sub: `developer@${team}`, role: "developer", team });
  const developer = httpClient(machine.endpoints.api, token);
  const side = { team, token, developer, viewer: await machine.as("viewer", team) };
  const document = { action: "apply", team, service: "orders", environment: "staging", resources: wanted };
  const { status, body } = await side.developer<IntentView>("POST", "/v1/intents", document, {
    "idempotency-key": sharedKey,
  });
  if (status !== 202) throw new Error(`the intent was answered ${status}: ${JSON.stringify(body)}`);
  const intent = await intentEnd(side.developer, body.id);
  return { ...side, intent, resources: await resourcesOf(side.developer, "orders") };
}
