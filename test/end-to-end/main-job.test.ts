import { readFileSync } from "node:fs";
import {
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  ListResourcesCommand,
  UpdateResourceCommand,
} from "@aws-sdk/client-cloudcontrol";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DriftReport, Finding } from "../../core/drift.ts";
import type { IntentView } from "../../core/intent.ts";
import type { Resource } from "../../core/resource.ts";
import {
  awsClients,
  intentEnd,
  ledgerOf,
  linesOf,
  resourcesOf,
  settleIntent,
  startTestMachine,
  type TestMachine,
} from "../support/machine.ts";

const orders = JSON.parse(readFileSync(new URL("../../examples/orders.json", import.meta.url), "utf8")) as object;

describe("one intent becomes real infrastructure and goes away again", () => {
  let machine: TestMachine;
  let resources: Map<string, Resource>;
  const named = (name: string): Resource => {
    const resource = resources.get(name);
    if (resource === undefined) throw new Error(`there is no ${name}`);
    return resource;
  };

  beforeAll(async () => {
    machine = await startTestMachine({ periods: { sweep: 2, drift: 2, housekeeping: 86_400 } });
  });
  afterAll(() => machine?.close());

  test("all seven resource types become READY", async () => {
    const intent = await settleIntent(machine.developer, orders);
    expect(intent.resources.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      "api-key READY",
      "cache READY",
      "db READY",
      "db-url READY",
      "events READY",
      "files READY",
      "jobs READY",
    ]);
    resources = await resourcesOf(machine.developer, "orders");
  });

  test("a stranger connects to the database with its outputs and the secret, and creates a table", async () => {
    const { host, port, database, username, secretArn, url } = named("db").outputs as { [key: string]: string };
    const { secretsManager } = awsClients(machine.endpoints);
    const secret = await secretsManager.send(new GetSecretValueCommand({ SecretId: secretArn as string }));
    const { password } = JSON.parse(secret.SecretString ?? "") as { password: string };
    expect(url).not.toContain(password);
    const client = new pg.Client({ host, port: Number(port), database, user: username, password });
    await client.connect();
    await client.query("create table sales (id integer primary key)");
    await client.query("insert into sales values (1)");
    expect((await client.query("select count(*)::integer as n from sales")).rows).toEqual([{ n: 1 }]);
    await client.end();

    const elsewhere = new pg.Client({ host, port: Number(port), database: "cairn", user: username, password });
    await expect(elsewhere.connect()).rejects.toThrow(/permission denied for database/);
  });

  test.each([
    ["files", "AWS::S3::Bucket", { VersioningConfiguration: { Status: "Enabled" } }],
    ["cache", "AWS::ElastiCache::ServerlessCache", { Engine: "valkey" }],
    ["jobs", "AWS::SQS::Queue", { SqsManagedSseEnabled: true }],
    ["events", "AWS::MSK::Topic", { PartitionCount: 6 }],
    ["api-key", "AWS::SecretsManager::Secret", {}],
    ["db-url", "AWS::SSM::Parameter", {}],
  ])("Cloud Control's own client lists %s with the properties asked for", async (name, TypeName, properties) => {
    const { cloudControl } = awsClients(machine.endpoints);
    const identifier = named(name).external?.identifier ?? "";
    const parent =
      TypeName === "AWS::MSK::Topic"
        ? { ResourceModel: JSON.stringify({ ClusterArn: await clusterArn(machine) }) }
        : {};
    const listed = await cloudControl.send(new ListResourcesCommand({ TypeName, ...parent }));
    expect(listed.ResourceDescriptions?.map(({ Identifier }) => Identifier)).toContain(identifier);
    const read = await cloudControl.send(new GetResourceCommand({ TypeName, Identifier: identifier }));
    expect(JSON.parse(read.ResourceDescription?.Properties ?? "{}")).toMatchObject(properties);
  });

  test("the parameter holds the database's url", async () => {
    const { cloudControl } = awsClients(machine.endpoints);
    const Identifier = named("db-url").external?.identifier ?? "";
    const read = await cloudControl.send(new GetResourceCommand({ TypeName: "AWS::SSM::Parameter", Identifier }));
    expect(JSON.parse(read.ResourceDescription?.Properties ?? "{}")).toMatchObject({ Value: named("db").outputs.url });
  });

  test.each([
    ["/v1/teams/payments", { contact: "payments@example.com" }],
    ["/v1/services/orders?team=payments", { description: "takes orders" }],
    ["/v1/environments/staging", { tier: "staging" }],
  ])("PUT %s answers what a read answers, to the byte, so that its tag serves the next PUT", async (path, body) => {
    const put = await machine.platform<object>("PUT", path, body);
    const read = await machine.platform<object>("GET", path);
    expect([JSON.stringify(put.body), put.headers.get("etag")]).toEqual([
      JSON.stringify(read.body),
      read.headers.get("etag"),
    ]);
    const again = await machine.platform("PUT", path, body, { "if-match": put.headers.get("etag") ?? "" });
    expect(again.status).toBe(200);
  });

  test("the same intent again is READY at once and makes no new generation", async () => {
    const again = await machine.developer<IntentView>("POST", "/v1/intents", orders, { "idempotency-key": "again" });
    expect([again.status, again.body.status]).toEqual([202, "READY"]);
    const after = await resourcesOf(machine.developer, "orders");
    expect([...after.values()].map(({ generation }) => generation)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  test("one id leads from the request through the execution to the provider's ledger, line by line", async () => {
    const intent = {
      action: "apply",
      team: "payments",
      service: "followed",
      environment: "staging",
      resources: { one: { type: "bucket" } },
    };
    const accepted = await machine.developer<IntentView>("POST", "/v1/intents", intent, { "idempotency-key": "f" });
    expect((await intentEnd(machine.developer, accepted.body.id)).status).toBe("READY");
    const [resource] = accepted.body.resources;

    const lines = linesOf(machine);
    const request = accepted.headers.get("apigw-requestid");
    const ofRequest = lines.filter((line) => line.request === request);
    expect(ofRequest.find(({ message }) => message === "answered")).toMatchObject({
      status: 202,
      location: `/v1/intents/${accepted.body.id}`,
    });
    const execution = String(ofRequest.find(({ message }) => message === "execution started")?.execution);
    const steps = lines.filter(({ operation, epoch }) => `${operation}-${epoch}` === execution);
    expect(new Set(steps.map((line) => line.function))).toEqual(
      new Set(["claim-operation", "observe-resource", "apply-resource"]),
    );
    for (const step of steps) {
      expect(step).toMatchObject({ team: "payments", resource: resource?.id, invocation: expect.any(String) });
    }
    expect(steps.at(-1)).toMatchObject({ message: "advance", to: "ready", outcome: "written" });
    const asked = steps.find(({ call }) => call === "CreateResource");
    const [made] = (await ledgerOf(machine.endpoints)).filter(({ identifier }) => identifier.startsWith("followed-"));
    expect(asked?.clientToken).toBe(made?.clientToken);
    const followed = steps.filter(({ call }) => call === "GetResourceRequestStatus");
    expect(new Set(followed.map(({ requestToken }) => requestToken))).toEqual(new Set([asked?.requestToken]));
    await settleIntent(machine.developer, { ...intent, action: "delete", resources: { one: {} } });
  });

  test("a property changed behind Cairn's back is in the next drift report, and nothing else is", async () => {
    const { cloudControl } = awsClients(machine.endpoints);
    const Identifier = named("files").external?.identifier ?? "";
    const { ProgressEvent } = await cloudControl.send(
      new UpdateResourceCommand({
        TypeName: "AWS::S3::Bucket",
        Identifier,
        PatchDocument: JSON.stringify([{ op: "replace", path: "/VersioningConfiguration/Status", value: "Suspended" }]),
      }),
    );
    await expect
      .poll(
        async () =>
          (
            await cloudControl.send(
              new GetResourceRequestStatusCommand({ RequestToken: ProgressEvent?.RequestToken ?? "" }),
            )
          ).ProgressEvent?.OperationStatus,
        { timeout: 60_000 },
      )
      .toBe("SUCCESS");
    const changedAt = new Date().toISOString();

    const report = await expect
      .poll(() => reportAfter(machine, changedAt), { timeout: 60_000, interval: 300 })
      .not.toBeNull()
      .then(() => reportAfter(machine, changedAt));
    expect(
      report?.items.map(({ resource, pointer, expected, actual }) => ({
        name: resource.name,
        pointer,
        expected,
        actual,
      })),
    ).toEqual([
      { name: "files", pointer: "/VersioningConfiguration/Status", expected: "Enabled", actual: "Suspended" },
    ]);
    const { body } = await machine.developer<{ items: Finding[] }>("GET", "/v1/drift/findings");
    expect(body.items.map(({ pointer }) => pointer)).toEqual(["/VersioningConfiguration/Status"]);
  });

  test("a look on demand answers with a report of its own", async () => {
    const asked = await machine.developer("POST", `/v1/resources/${named("files").id}/verify`);
    expect(asked.status).toBe(202);
    const location = asked.headers.get("location") ?? "";
    await expect
      .poll(async () => (await machine.developer<DriftReport>("GET", location)).body.status, { timeout: 60_000 })
      .toBe("DONE");
    expect((await machine.developer<DriftReport>("GET", location)).body).toMatchObject({
      checked: 1,
      unreadable: 0,
      findings: 1,
    });
  });

  test("what others still use is not deleted, and the answer names them", async () => {
    const refused = await machine.developer<{ detail: string }>(
      "POST",
      "/v1/intents",
      { action: "delete", team: "payments", service: "orders", environment: "staging", resources: { db: {} } },
      { "idempotency-key": "delete-db" },
    );
    expect(refused.status).toBe(409);
    expect(JSON.stringify(refused.body)).toContain("db-url");
  });

  test("deleting the service's resources removes them in order and leaves nothing", async () => {
    const gone = await settleIntent(machine.developer, {
      action: "delete",
      team: "payments",
      service: "orders",
      environment: "staging",
    });
    expect(gone.status).toBe("DELETED");
    const ledger = await ledgerOf(machine.endpoints);
    expect(
      ledger.filter(({ typeName, deletedAt }) => deletedAt === null && typeName !== "AWS::SecretsManager::Secret"),
    ).toEqual([]);
    expect(await resourcesOf(machine.developer, "orders")).toEqual(new Map());

    const deletedAt = async (name: string): Promise<string> => {
      const { body } = await machine.developer<{ items: { at: string; event: string }[] }>(
        "GET",
        `/v1/resources/${named(name).id}/events`,
      );
      return body.items.find(({ event }) => event === "operation.deleted")?.at ?? "";
    };
    expect((await deletedAt("db-url")) < (await deletedAt("db"))).toBe(true);

    const session = new pg.Client({ connectionString: machine.endpoints.postgres });
    await session.connect();
    const left = await session.query(
      "select datname from pg_database where datname like 'orders%' union all select rolname from pg_roles where rolname like 'orders%'",
    );
    await session.end();
    expect(left.rows).toEqual([]);
  });
});

/** A finished report of a run that began after this moment and saw something. */
async function reportAfter(machine: TestMachine, moment: string): Promise<(DriftReport & { items: Finding[] }) | null> {
  const { body } = await machine.developer<{ items: DriftReport[] }>("GET", "/v1/drift/reports?limit=100");
  const report = body.items.find(
    ({ startedAt, status, checked }) => startedAt > moment && status === "DONE" && checked >= 7,
  );
  return report === undefined
    ? null
    : (await machine.developer<DriftReport & { items: Finding[] }>("GET", `/v1/drift/reports/${report.id}`)).body;
}

async function clusterArn(machine: TestMachine): Promise<string> {
  const { body } = await machine.platform<{ items: { provider: string; config: { kafkaClusterArn: string } }[] }>(
    "GET",
    "/v1/targets?environment=staging",
  );
  return body.items.find(({ provider }) => provider === "aws")?.config.kafkaClusterArn ?? "";
}
