import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { IntentView } from "../../core/intent.ts";
import { tableGoldenPath } from "../golden-paths/table-golden-path.ts";
import {
  ledgerOf,
  linesOf,
  putSim,
  resourcesOf,
  settleIntent,
  startTestMachine,
  type TestMachine,
} from "../support/machine.ts";

const goldenPaths = fileURLToPath(new URL("../../golden-paths/", import.meta.url));

describe("a machine with a golden path of its own, on a cloud that fails", () => {
  let folder: string;
  let machine: TestMachine;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cairn golden paths "));
    await cp(goldenPaths, folder, { recursive: true, filter: (path) => !path.endsWith(".ts") });
    await writeFile(join(folder, "table@1.yaml"), stringify(tableGoldenPath));
    machine = await startTestMachine({ goldenPaths: folder });
    await putSim(machine.endpoints, "settings", { provisionSeconds: 0.2, requestsPerSecond: 1000, burst: 1000 });
  });
  afterEach(() => putSim(machine.endpoints, "faults", []));
  afterAll(async () => {
    await machine?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const apply = (service: string, environment: string, resources: object) =>
    settleIntent(machine.developer, { action: "apply", team: "payments", service, environment, resources });
  const made = async (typeName: string, service: string) =>
    (await ledgerOf(machine.endpoints)).filter(
      (item) => item.typeName === typeName && item.identifier.includes(service),
    );

  test("a database's port goes into a parameter, which takes text alone", async () => {
    const port = { type: "parameter", parameters: { value: "${resources.db.outputs.port}" } };
    expect((await apply("ports", "staging", { db: { type: "postgres" }, port })).status).toBe("READY");
    const [made] = (await ledgerOf(machine.endpoints)).filter(({ identifier }) => identifier.startsWith("ports-port"));
    expect(made?.properties.Value).toBe(new URL(machine.endpoints.postgres).port);
  });

  test("a new type is one YAML file", async () => {
    const intent = await apply("stock", "staging", { items: { type: "table", parameters: { hashKey: "sku" } } });
    expect(intent.status).toBe("READY");
    expect(await made("AWS::DynamoDB::Table", "stock")).toHaveLength(1);
  });

  test("a production database is an instance of its own, and protected until an apply lifts it", async () => {
    expect((await apply("ledger", "production", { db: { type: "postgres" } })).status).toBe("READY");
    const [instance] = await made("AWS::RDS::DBInstance", "ledger");
    expect(instance?.properties).toMatchObject({ MultiAZ: true, StorageEncrypted: true, DeletionProtection: true });
    const destroy = { action: "delete", team: "payments", service: "ledger", environment: "production" };
    const denied = await machine.developer<{ violations: { rule: string; pointer: string }[] }>(
      "POST",
      "/v1/intents",
      destroy,
      {
        "idempotency-key": "delete-ledger",
      },
    );
    expect([denied.status, denied.body.violations.map(({ rule }) => rule)]).toEqual([403, ["deletion-protection"]]);
    expect(
      (await apply("ledger", "production", { db: { type: "postgres", parameters: { deletionProtection: false } } }))
        .status,
    ).toBe("READY");
    expect((await settleIntent(machine.developer, destroy)).status).toBe("DELETED");
    expect((await made("AWS::RDS::DBInstance", "ledger")).filter(({ deletedAt }) => deletedAt === null)).toEqual([]);
  });

  test("whatever happens to a call, once it stops the resource is READY and was made once", async () => {
    const scenarios = [
      {
        type: "queue",
        typeName: "AWS::SQS::Queue",
        operation: "CreateResource",
        when: "after",
        drop: true,
        reason: "made, and the answer lost",
      },
      {
        type: "bucket",
        typeName: "AWS::S3::Bucket",
        operation: "CreateResource",
        when: "before",
        drop: true,
        reason: "never arrived",
      },
      {
        type: "topic",
        typeName: "AWS::MSK::Topic",
        operation: "CreateResource",
        when: "after",
        hang: true,
        reason: "the answer never comes",
      },
      {
        type: "redis",
        typeName: "AWS::ElastiCache::ServerlessCache",
        operation: "*",
        when: "before",
        error: "ThrottlingException",
        reason: "not so fast",
      },
      {
        type: "secret",
        typeName: "AWS::SecretsManager::Secret",
        operation: "GetResourceRequestStatus",
        when: "before",
        error: "ServiceInternalErrorException",
        reason: "status cannot be asked",
      },
      {
        type: "table",
        typeName: "AWS::DynamoDB::Table",
        operation: "CreateResource",
        when: "before",
        stage: "handler",
        error: "ServiceInternalError",
        reason: "the provider gives up",
      },
    ];
    const faults = scenarios.map(({ type: _, reason: __, ...fault }) => ({ probability: 1, times: 2, ...fault }));
    await putSim(machine.endpoints, "faults", faults);
    const resources = Object.fromEntries(
      scenarios.map(({ type }) => [type, type === "table" ? { type, parameters: { hashKey: "sku" } } : { type }]),
    );
    const intent = await apply("storm", "staging", resources);
    expect(intent.resources.map(({ name, status }) => `${name} ${status}`).sort()).toEqual(
      scenarios.map(({ type }) => `${type} READY`).sort(),
    );
    for (const { typeName, reason } of scenarios) expect(await made(typeName, "storm"), reason).toHaveLength(1);
    const calls = (await (await fetch(`${machine.endpoints.cloudControl}/_sim/calls`)).json()) as {
      items: { typeName: string; result: string }[];
    };
    const hit = new Set(
      calls.items.filter(({ result }) => result !== "ok" && result !== "success").map(({ typeName }) => typeName),
    );
    for (const { typeName } of scenarios.slice(0, 4)) expect([...hit]).toContain(typeName);
  });

  test("what the provider will never take is FAILED with its reason, and an apply that mends it goes on", async () => {
    await putSim(machine.endpoints, "faults", [
      {
        operation: "CreateResource",
        typeName: "AWS::S3::Bucket",
        when: "before",
        stage: "handler",
        error: "AccessDenied",
        times: 1,
        probability: 1,
      },
    ]);
    const failed = await apply("shop", "staging", {
      files: { type: "bucket" },
      "files-name": { type: "parameter", parameters: { value: "${resources.files.outputs.name}" } },
    });
    expect(failed.status).toBe("FAILED");
    const resources = await resourcesOf(machine.developer, "shop");
    const files = resources.get("files");
    expect(files?.reason).toMatchObject({ code: "PROVIDER_REJECTED", providerCode: "ACCESS_DENIED" });
    const timeline = await machine.developer<{ items: { message: string }[] }>(
      "GET",
      `/v1/resources/${files?.id}/events`,
    );
    expect(timeline.body.items.at(-1)?.message).toMatch(/^It failed, with the provider's code ACCESS_DENIED: AWS::S3/);
    const steps = linesOf(machine).filter(({ message, resource }) => message === "advance" && resource === files?.id);
    expect(steps.at(-1)).toMatchObject({ to: "failed", reason: "PROVIDER_REJECTED", providerCode: "ACCESS_DENIED" });
    expect(resources.get("files-name")?.reason?.code).toBe("DEPENDENCY_FAILED");

    const retried = await apply("shop", "staging", { files: { type: "bucket" } });
    expect(retried.status).toBe("READY");
    await expect
      .poll(async () => (await resourcesOf(machine.developer, "shop")).get("files-name")?.status, { timeout: 60_000 })
      .toBe("READY");
    expect((await machine.developer<IntentView>("GET", `/v1/intents/${failed.id}`)).body.status).toBe("READY");
  });
}, 120_000);
