import { GetResourceCommand } from "@aws-sdk/client-cloudcontrol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DriftReport } from "../../core/drift.ts";
import { awsClients, resourcesOf, settleIntent, startTestMachine, type TestMachine } from "../support/machine.ts";

describe("what an apply no longer asks for is taken back", () => {
  let machine: TestMachine;
  beforeAll(async () => {
    machine = await startTestMachine();
  });
  afterAll(() => machine?.close());

  const intent = (files: object) => ({
    action: "apply",
    team: "payments",
    service: "orders",
    environment: "staging",
    resources: { files: { type: "bucket", ...files } },
  });
  const bucket = async () => {
    const Identifier = (await resourcesOf(machine.developer, "orders")).get("files")?.external?.identifier;
    const { cloudControl } = awsClients(machine.endpoints);
    const read = await cloudControl.send(new GetResourceCommand({ TypeName: "AWS::S3::Bucket", Identifier }));
    return JSON.parse(read.ResourceDescription?.Properties ?? "{}") as {
      VersioningConfiguration?: { Status: string };
      LifecycleConfiguration: { Rules: { ExpirationInDays?: number }[] };
    };
  };

  test("an override and a parameter that are gone from the definition are gone from the bucket", async () => {
    const wide = intent({
      overrides: { VersioningConfiguration: { Status: "Enabled" } },
      parameters: { expireAfterDays: 30 },
    });
    expect((await settleIntent(machine.developer, wide)).status).toBe("READY");
    const before = await bucket();
    expect(before.VersioningConfiguration).toEqual({ Status: "Enabled" });
    expect(before.LifecycleConfiguration.Rules[0]).toMatchObject({ ExpirationInDays: 30 });

    expect((await settleIntent(machine.developer, intent({}))).status).toBe("READY");
    const after = await bucket();
    // S3 never makes a bucket unversioned again: suspended is what taking it back means.
    expect(after.VersioningConfiguration).toEqual({ Status: "Suspended" });
    expect(after.LifecycleConfiguration.Rules[0]).not.toHaveProperty("ExpirationInDays");
  });

  test("and the next look finds no drift", async () => {
    const files = (await resourcesOf(machine.developer, "orders")).get("files");
    expect(files).toMatchObject({ status: "READY", generation: 2 });
    const asked = await machine.developer("POST", `/v1/resources/${files?.id}/verify`);
    const location = asked.headers.get("location") ?? "";
    await expect
      .poll(async () => (await machine.developer<DriftReport>("GET", location)).body.status, { timeout: 60_000 })
      .toBe("DONE");
    expect((await machine.developer<DriftReport>("GET", location)).body).toMatchObject({
      checked: 1,
      unreadable: 0,
      findings: 0,
    });
  });
});
