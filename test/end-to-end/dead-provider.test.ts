import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Breaker, Target } from "../../core/catalog.ts";
import type { DriftReport, Finding } from "../../core/drift.ts";
import type { IntentView } from "../../core/intent.ts";
import type { ResourceEvent } from "../../core/resource.ts";
import { intentEnd, ledgerOf, putSim, resourcesOf, startTestMachine, type TestMachine } from "../support/machine.ts";

/** `failures_to_open` of `cairn.note_answer`, and the seconds between two probes. */
const threshold = 8;
const probeSeconds = 10;
const many = 12;

let machine: TestMachine;
beforeAll(async () => {
  machine = await startTestMachine({ periods: { sweep: 2, drift: 2, housekeeping: 86_400 } });
});
afterAll(() => machine?.close());

async function start(service: string, type: string, count: number): Promise<string> {
  const resources = Object.fromEntries(Array.from({ length: count }, (_, index) => [`r${index}`, { type }]));
  const document = { action: "apply", team: "payments", service, environment: "staging", resources };
  const { body } = await machine.developer<IntentView>("POST", "/v1/intents", document, {
    "idempotency-key": randomUUID(),
  });
  return body.id;
}

async function target(): Promise<Target | undefined> {
  const { body } = await machine.developer<{ items: Target[] }>("GET", "/v1/targets?environment=staging");
  return body.items.find(({ provider }) => provider === "aws");
}

async function breaker(service: string): Promise<Breaker | undefined> {
  return (await target())?.breakers.find((each) => each.service === service);
}

async function callsOf(typeName: string, since: string): Promise<number> {
  const response = await fetch(`${machine.endpoints.cloudControl}/_sim/calls?since=${since}`);
  const { items } = (await response.json()) as { items: { typeName: string | null }[] };
  return items.filter((call) => call.typeName === typeName).length;
}

describe("one service of a provider is dead", () => {
  test("it is left in peace, others keep their pace, and when it is back all goes on", async () => {
    await putSim(machine.endpoints, "faults", [
      {
        operation: "*",
        typeName: "AWS::SQS::Queue",
        probability: 1,
        times: null,
        when: "before",
        error: "ServiceInternalErrorException",
      },
    ]);
    const since = new Date().toISOString();
    const began = Date.now();
    const dead = await start("dead", "queue", many);
    const healthy = await start("healthy", "bucket", 3);
    expect((await intentEnd(machine.developer, healthy)).status).toBe("READY");

    await expect.poll(async () => (await breaker("AWS::SQS"))?.state, { timeout: 20_000 }).toMatch(/OPEN/);
    expect((await breaker("AWS::S3"))?.state ?? "CLOSED").toBe("CLOSED");
    await sleep(5000);
    const seconds = (Date.now() - began) / 1000;
    // Until it opened, what was in flight then, and a probe per interval.
    expect(await callsOf("AWS::SQS::Queue", since)).toBeLessThanOrEqual(
      threshold + many + Math.ceil(seconds / probeSeconds),
    );
    const waiting = [...(await resourcesOf(machine.developer, "dead")).values()];
    expect(waiting.every(({ status }) => status === "PENDING" || status === "SYNCING")).toBe(true);
    expect(waiting.some(({ reason }) => reason?.code === "PROVIDER_UNAVAILABLE" && reason.retryAt !== null)).toBe(true);

    await putSim(machine.endpoints, "faults", []);
    expect((await intentEnd(machine.developer, dead)).status).toBe("READY");
    expect(await breaker("AWS::SQS")).toMatchObject({ state: "CLOSED", failures: 0 });
    const made = (await ledgerOf(machine.endpoints)).filter(({ typeName }) => typeName === "AWS::SQS::Queue");
    expect(made).toHaveLength(many);
  });

  test("the platform pauses a service by hand, and lets it go on", async () => {
    const path = "/v1/targets/staging/aws/breakers/AWS::SSM";
    expect((await machine.platform("PUT", path, { state: "OPEN" })).status).toBe(200);
    const response = await machine.developer<IntentView>(
      "POST",
      "/v1/intents",
      {
        action: "apply",
        team: "payments",
        service: "held",
        environment: "staging",
        resources: { url: { type: "parameter", parameters: { value: "x" } } },
      },
      { "idempotency-key": randomUUID() },
    );
    const reason = async () => (await resourcesOf(machine.developer, "held")).get("url")?.reason;
    await expect.poll(async () => (await reason())?.code, { timeout: 20_000 }).toBe("PROVIDER_UNAVAILABLE");
    expect((await reason())?.message).toContain("paused");
    expect((await machine.platform("PUT", path, { state: "CLOSED" })).status).toBe(200);
    expect((await intentEnd(machine.developer, response.body.id)).status).toBe("READY");
  });
}, 120_000);

describe("a provider that denies to know what exists (F15)", () => {
  test("is not believed: no finding, nothing made anew, and it goes on by itself when looks are sane again", async () => {
    const service = "denied";
    const made = await start(service, "bucket", 8);
    expect((await intentEnd(machine.developer, made)).status).toBe("READY");
    const before = await ledgerOf(machine.endpoints);

    await putSim(machine.endpoints, "faults", [
      { operation: "GetResource", typeName: "AWS::S3::Bucket", error: "ResourceNotFoundException" },
    ]);
    // Those that were READY just now have their grace first.
    await expect.poll(async () => (await target())?.driftHalted ?? null, { timeout: 40_000 }).not.toBeNull();
    const { report = "" } = (await target())?.driftHalted ?? {};
    const path = `/v1/drift/reports/${report}`;
    const { halted, items } = (await machine.developer<DriftReport & { items: Finding[] }>("GET", path)).body;
    expect(halted).toMatchObject([{ environment: "staging", provider: "aws" }]);
    expect(halted[0]?.missing).toBeGreaterThanOrEqual(8);
    expect(items).toEqual([]);
    const resources = [...(await resourcesOf(machine.developer, service)).values()];
    expect(new Set(resources.map(({ status, generation }) => `${status} ${generation}`))).toEqual(new Set(["READY 1"]));

    await putSim(machine.endpoints, "faults", []);
    await expect.poll(async () => (await target())?.driftHalted, { timeout: 20_000 }).toBeNull();
    expect((await machine.developer<{ items: Finding[] }>("GET", "/v1/drift/findings")).body.items).toEqual([]);
    const events = `/v1/resources/${resources[0]?.id}/events?limit=100`;
    const timeline = (await machine.developer<{ items: ResourceEvent[] }>("GET", events)).body.items;
    expect(timeline.slice(-2).map(({ event }) => event)).toEqual(["drift.doubted", "drift.found"]);
    expect(await ledgerOf(machine.endpoints)).toEqual(before);
  });
}, 120_000);
