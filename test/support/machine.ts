import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import { DescribeSecretCommand, RotateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { IntentView } from "../../core/intent.ts";
import type { Resource } from "../../core/resource.ts";
import type { Hear } from "../../local/heard-call.ts";
import { openHome } from "../../local/home/open-home.ts";
import type { Settings } from "../../local/settings.ts";
import { type Endpoints, type Machine, startMachine } from "../../local/start-machine.ts";

export type Answer<T> = { status: number; headers: Headers; body: T };

/** Speaks to an API as one caller does. */
export function httpClient(api: string, token: string | null) {
  return async <T = never>(
    method: string,
    path: string,
    body?: unknown,
    headers: { [name: string]: string } = {},
  ): Promise<Answer<T>> => {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === "" ? null : JSON.parse(text)) as T };
  };
}

export type HttpClient = ReturnType<typeof httpClient>;

const endings = new Set(["READY", "FAILED", "SUPERSEDED", "DELETED"]);

/** Sends an intent and waits for its end. */
export async function settleIntent(send: HttpClient, document: object, withinSeconds = 60): Promise<IntentView> {
  const accepted = await send<IntentView>("POST", "/v1/intents", document, { "idempotency-key": randomUUID() });
  if (accepted.status !== 202)
    throw new Error(`the intent was answered ${accepted.status}: ${JSON.stringify(accepted.body)}`);
  return intentEnd(send, accepted.body.id, withinSeconds);
}

export async function intentEnd(send: HttpClient, id: string, withinSeconds = 60): Promise<IntentView> {
  for (const until = Date.now() + withinSeconds * 1000; ; ) {
    const { body } = await send<IntentView>("GET", `/v1/intents/${id}`);
    if (endings.has(body.status)) return body;
    if (Date.now() > until) throw new Error(`the intent is still ${body.status}: ${JSON.stringify(body.resources)}`);
    await sleep(200);
  }
}

/** The service's resources that are not deleted, by name. */
export async function resourcesOf(send: HttpClient, service: string): Promise<Map<string, Resource>> {
  const { body } = await send<{ items: Resource[] }>("GET", `/v1/resources?service=${service}&limit=100`);
  return new Map(body.items.map((resource) => [resource.name, resource]));
}

export function awsClients(endpoints: Endpoints) {
  const config = { region: endpoints.region, credentials: { accessKeyId: "any", secretAccessKey: "any" } };
  return {
    cloudControl: new CloudControlClient({ ...config, endpoint: endpoints.cloudControl }),
    secretsManager: new SecretsManagerClient({ ...config, endpoint: endpoints.secretsManager }),
  };
}

/** Asks for the secret of a store's role to be rotated, and waits for the end of it. */
export async function rotateStoreSecret(endpoints: Endpoints, role: string, withinSeconds = 30): Promise<void> {
  const { secretsManager } = awsClients(endpoints);
  const SecretId = `cairn/store/${role}`;
  const rotatedAt = async () =>
    (await secretsManager.send(new DescribeSecretCommand({ SecretId }))).LastRotatedDate?.getTime() ?? 0;
  const before = await rotatedAt();
  await secretsManager.send(new RotateSecretCommand({ SecretId, RotationLambdaARN: "rotate-secret" }));
  for (const until = Date.now() + withinSeconds * 1000; (await rotatedAt()) === before; await sleep(100))
    if (Date.now() > until) throw new Error(`the secret of ${role} is not rotated`);
}

export type LedgerItem = {
  typeName: string;
  identifier: string;
  clientToken: string | null;
  createdAt: string;
  deletedAt: string | null;
  properties: { [key: string]: unknown };
};

export async function ledgerOf(endpoints: Endpoints): Promise<LedgerItem[]> {
  const response = await fetch(`${endpoints.cloudControl}/_sim/ledger`);
  return ((await response.json()) as { items: LedgerItem[] }).items;
}

export async function putSim(endpoints: Endpoints, what: "faults" | "settings", body: unknown): Promise<void> {
  const response = await fetch(`${endpoints.cloudControl}/_sim/${what}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`PUT _sim/${what} answered ${response.status}: ${await response.text()}`);
}

/** A whole machine in a home of its own, whose path has a space, with a team called payments. */
export async function startTestMachine(changes: Partial<Settings> = {}, hear?: Hear) {
  const folder = await mkdtemp(join(tmpdir(), "cairn machine "));
  const home = await openHome(join(folder, "home"));
  const lines: string[] = [];
  const settings: Settings = {
    home: home.path,
    port: 0,
    example: false,
    periods: { sweep: 2, drift: 3600, housekeeping: 86_400 },
    goldenPaths: undefined,
    ...changes,
  };
  const machine: Machine = await startMachine(home, settings, (line) => lines.push(line), hear);
  const { endpoints } = machine;
  const as = async (role: "viewer" | "developer" | "platform", team?: string) =>
    httpClient(
      endpoints.api,
      await machine.token({ sub: `${role}@test`, role, ...(team === undefined ? {} : { team }) }),
    );
  const platform = await as("platform");
  await platform("PUT", "/v1/teams/payments", { contact: "payments@example.com" });
  return {
    endpoints,
    home: home.path,
    machine,
    as,
    platform,
    developer: await as("developer", "payments"),
    anonymous: httpClient(endpoints.api, null),
    log: lines,
    async close() {
      await machine.close();
      await home.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What its functions have logged so far. */
export function linesOf({ log }: TestMachine): { [field: string]: unknown }[] {
  const texts = log.join("\n").split("\n");
  return texts.flatMap((text) => (/\{"level":.*\}$/.exec(text) ?? []).map((json) => JSON.parse(json)));
}

export type TestMachine = Awaited<ReturnType<typeof startTestMachine>>;
