import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DriftReport, Finding } from "../../core/drift.ts";
import type { IntentView } from "../../core/intent.ts";
import type { ResourceEvent } from "../../core/resource.ts";
import {
  allReady,
  allResources,
  applyMany,
  breakerOf,
  callsSince,
  inFlightWhenOpened,
  liveObjects,
  probeSeconds,
  targetOf,
  threshold,
} from "../support/dead-service.ts";
import { intentEnd, ledgerOf, putSim, resourcesOf, startTestMachine, type TestMachine } from "../support/machine.ts";

const dead = { service: "AWS::SQS", typeName: "AWS::SQS::Queue" };
/** As many as a budget lets through at once, and more. `npm run bench:dead-provider` does it with two hundred. */
const many = 14;

const start = (service: string, type: string, count: number) =>
  applyMany(machine.developer, { team: "payments", service, environment: "staging" }, type, count);

let machine: TestMachine;
beforeAll(async () => {
  machine = await startTestMachine({ periods: { sweep: 2, drift: 2, housekeeping: 86_400 } });
});
afterAll(() => machine?.close());

describe("one service of a provider is dead", () => {
  test("it is left in peace, others keep their pace, and when it is back all goes on", async () => {
    await putSim(machine.endpoints, "faults", [{ typeName: dead.typeName, error: "ServiceInternalErrorException" }]);
    const since = new Date().toISOString();
    const began = Date.now();
    await start("dead", "queue", many);
    await start("healthy", "bucket", 3);
    await allReady(machine.developer, "healthy", 60);

    const breaker = (service: string) => breakerOf(machine, "staging", service);
    await expect.poll(async () => (await breaker(dead.service))?.state, { timeout: 20_000 }).toMatch(/OPEN/);
    expect((await breaker("AWS::S3"))?.state ?? "CLOSED").toBe("CLOSED");
    await sleep(5000);
    const seconds = (Date.now() - began) / 1000;
    const calls = await callsSince(machine, since, dead.typeName);
    const inFlight = await inFlightWhenOpened(machine, dead.service);
    expect(calls.length).toBeGreaterThanOrEqual(threshold);
    expect(calls.length).toBeLessThanOrEqual(threshold + inFlight + Math.ceil(seconds / probeSeconds));
    const waiting = await allResources(machine.developer, "dead");
    expect(waiting.every(({ status }) => status === "PENDING" || status === "SYNCING")).toBe(true);
    expect(waiting.some(({ reason }) => reason?.code === "PROVIDER_UNAVAILABLE" && reason.retryAt !== null)).toBe(true);

    await putSim(machine.endpoints, "faults", []);
    await allReady(machine.developer, "dead", 60);
    expect(await breaker(dead.service)).toMatchObject({ state: "CLOSED", failures: 0 });
    expect(await liveObjects(machine, dead.typeName, "dead")).toHaveLength(many);
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
    await start(service, "bucket", 8);
    await allReady(machine.developer, service, 60);
    const before = await ledgerOf(machine.endpoints);

    await putSim(machine.endpoints, "faults", [
      { operation: "GetResource", typeName: "AWS::S3::Bucket", error: "ResourceNotFoundException" },
    ]);
    // Those that were READY just now have their grace first.
    await expect
      .poll(async () => (await targetOf(machine, "staging"))?.driftHalted ?? null, { timeout: 40_000 })
      .not.toBeNull();
    const { report = "" } = (await targetOf(machine, "staging"))?.driftHalted ?? {};
    const path = `/v1/drift/reports/${report}`;
    const { halted, items } = (await machine.developer<DriftReport & { items: Finding[] }>("GET", path)).body;
    expect(halted).toMatchObject([{ environment: "staging", provider: "aws" }]);
    expect(halted[0]?.missing).toBeGreaterThanOrEqual(8);
    expect(items).toEqual([]);
    const resources = await allResources(machine.developer, service);
    expect(new Set(resources.map(({ status, generation }) => `${status} ${generation}`))).toEqual(new Set(["READY 1"]));

    await putSim(machine.endpoints, "faults", []);
    await expect.poll(async () => (await targetOf(machine, "staging"))?.driftHalted, { timeout: 20_000 }).toBeNull();
    // A run that saw few of them may have believed that before another one halted: it is looked at again too.
    const findings = async () =>
      (await machine.developer<{ items: Finding[] }>("GET", "/v1/drift/findings")).body.items;
    await expect.poll(findings, { timeout: 20_000 }).toEqual([]);
    // Where runs overlap, as on a busy machine, neither says that it doubted: test/database/missing-objects.test.ts has that.
    const lastOf = async (id: string) => {
      const events = `/v1/resources/${id}/events?limit=100`;
      return (await machine.developer<{ items: ResourceEvent[] }>("GET", events)).body.items.at(-1)?.event;
    };
    expect(await Promise.all(resources.map(({ id }) => lastOf(id)))).toContain("drift.found");
    expect(await ledgerOf(machine.endpoints)).toEqual(before);
  });
}, 120_000);
