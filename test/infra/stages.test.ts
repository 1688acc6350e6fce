import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { readStage } from "../../infra/stages/read-stage.ts";
import { parseStage } from "../../infra/stages/stage.ts";

const good = readStage("development");
const target = {
  name: "shared",
  account: "222233334444",
  region: "eu-central-1",
  environments: ["development"],
  externalId: "a-made-up-secret-01",
  requestsPerSecond: null,
  values: { subnetIds: ["subnet-1"] },
  tenants: {
    cluster: "new",
    environments: ["development"],
    engineVersion: "17.7",
    minCapacity: 0.5,
    maxCapacity: 2,
    standby: false,
    backupDays: 7,
    deletionProtection: false,
    subnetIds: ["subnet-1a", "subnet-2b"],
    securityGroupIds: ["sg-1a"],
    database: "tenants",
  },
};
const second = {
  ...target,
  name: "other",
  externalId: "a-made-up-secret-02",
  environments: ["staging"],
  tenants: null,
};
const machine = { name: "ci", trusts: ["arn:aws:iam::111122223333:role/ci"], role: "developer", team: "payments" };
const domain = {
  name: "cairn.example.com",
  certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c",
  zone: null,
};

const { issuer: _, ...tokensWithoutIssuer } = good.tokens;

describe("a stage", () => {
  test.each(["development", "production"])("%s can be used", (name) => {
    expect(readStage(name).name).toBe(name);
  });

  test.each(["prod", "constructor", "", 7])("%s is unknown: the error lists those there are", (name) => {
    expect(() => readStage(name)).toThrow("no such stage, infra/stages/read-stage.ts lists development, production");
  });

  test("is called what its file is: by another name it would be another Cairn", () => {
    expect(() => readStage("production", { production: { ...good, name: "prod" } })).toThrow(
      'infra/stages/production.ts cannot be used:\n  name: must be "production", as the stage is listed',
    );
  });

  test("that cannot be used ends the app with what is wrong and nothing else", async () => {
    const app = fileURLToPath(new URL("../../infra/app.ts", import.meta.url));
    const env = { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ stage: "prod" }) };
    const run = promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", app], { env });
    await expect(run).rejects.toMatchObject({
      code: 1,
      stderr: "-c stage=prod: no such stage, infra/stages/read-stage.ts lists development, production\n",
    });
  });

  test.each([
    { what: "targets in two accounts and two regions", change: { account: "111122223333", targets: [target, second] } },
    { what: "machines and a domain", change: { machineCallers: [machine], domain } },
    {
      what: "one that never sleeps",
      change: { store: { ...good.store, minCapacity: 0.5 }, schedules: { sweepMinutes: 1, driftMinutes: 15 } },
    },
  ])("may have $what", ({ change }) => {
    expect(() => parseStage("infra/stages/x.ts", { ...good, ...change })).not.toThrow();
  });

  test.each([
    // missing
    { change: { tokens: undefined }, names: "tokens: is missing; it holds issuer, audience, claims, platformSubjects" },
    { change: { tokens: tokensWithoutIssuer }, names: "tokens.issuer: is missing; must be an https URL" },
    { change: { machineCallers: undefined }, names: "machineCallers: is missing; must be a list" },
    { change: { region: undefined }, names: "region: is missing; must be a string" },
    { change: { logDays: undefined }, names: "logDays: is missing; must be one of 1, 3, 5, 7," },
    { change: { tokens: { ...good.tokens, audience: [] } }, names: "tokens.audience: must name at least one" },
    // misspelt
    { change: { alarmAdresses: [] }, names: "(the whole): has no alarmAdresses; allowed are name, account, region," },
    {
      change: { store: { ...good.store, minCapcity: 1 } },
      names: "store: has no minCapcity; allowed are engineVersion,",
    },
    { change: { targets: [{ ...target, externalID: "x" }] }, names: "targets.0: has no externalID; allowed are name," },
    // no such value
    {
      change: { tokens: { ...good.tokens, platformSubjects: ["a", "b", "c", "d", "e", "f"] } },
      names: "tokens.platformSubjects: must be at most 5",
    },
    { change: { name: "production-new" }, names: "name: must not end in -new" },
    { change: { name: "Production" }, names: "name: must be lower-case letters" },
    { change: { account: "12" }, names: "account: must be an account id of 12 digits" },
    { change: { region: "eu-west-9" }, names: 'region: "eu-west-9" is no region of AWS; there are af-south-1,' },
    {
      change: { tokens: { ...good.tokens, issuer: "http://login.example.com" } },
      names: "tokens.issuer: must be an https URL",
    },
    {
      change: { tokens: { ...good.tokens, issuer: "https://x.example?a=1" } },
      names: "tokens.issuer: must have no query",
    },
    {
      change: { tokens: { ...good.tokens, claims: { team: "a b", role: "role" } } },
      names: "tokens.claims.team: must be a",
    },
    {
      change: { store: { ...good.store, engineVersion: "17.3" } },
      names: "store.engineVersion: Aurora has no PostgreSQL 17.3; there are 17.1,",
    },
    { change: { store: { ...good.store, engineVersion: "16.11" } }, names: "store.engineVersion: Aurora has no" },
    { change: { store: { ...good.store, maxCapacity: 1.7 } }, names: "store.maxCapacity: must be in steps of 0.5" },
    { change: { store: { ...good.store, backupDays: 36 } }, names: "store.backupDays: must be at most 35" },
    { change: { logDays: 31 }, names: "logDays: must be one of 1, 3, 5, 7, 14, 30," },
    { change: { alarmAddresses: ["on-call"] }, names: "alarmAddresses.0: must be an email address" },
    { change: { runbook: "docs/runbook.md#alarms" }, names: "runbook: must be a path or a URL without a fragment" },
    { change: { driftIntervalSeconds: 1 }, names: "driftIntervalSeconds: must be at least 300" },
    { change: { requests: { perSecond: 0, burst: 1 } }, names: "requests.perSecond: must be at least 1" },
    { change: { rotationDays: 1.5 }, names: "rotationDays: must be a whole number" },
    {
      change: { machineCallers: [{ ...machine, trusts: ["*"] }] },
      names: "machineCallers.0.trusts.0: must be an IAM role",
    },
    {
      change: { machineCallers: [{ ...machine, role: "owner" }] },
      names: "machineCallers.0.role: must be one of platform, viewer, developer",
    },
    { change: { targets: [{ ...target, name: "live-look" }] }, names: "targets.0.name: must not end like another" },
    {
      change: { targets: [{ ...target, name: "a-target-that-is-l" }] },
      names: "targets.0.name: must be at most 17 characters",
    },
    { change: { targets: [{ ...target, externalId: "short" }] }, names: "targets.0.externalId: must be 16 to 128" },
    {
      change: { targets: [{ ...target, values: { subnetIDs: ["subnet-1"] } }] },
      names: "targets.0.values.subnetIDs: is read by no golden path; they read cacheSecurityGroupIds,",
    },
    {
      change: { targets: [{ ...target, values: { subnetIds: ["subnet-1", "sg-1"] } }] },
      names: `targets.0.values.subnetIds: "sg-1" is not a subnet's id, subnet-…`,
    },
    {
      change: { targets: [{ ...target, values: { cacheSecurityGroupIds: ["sg-…"] } }] },
      names: `targets.0.values.cacheSecurityGroupIds: "sg-…" is not a security group's id, sg-…`,
    },
    {
      change: { targets: [{ ...target, values: { kafkaClusterArn: "shared" } }] },
      names: 'targets.0.values.kafkaClusterArn: "shared" is not an ARN',
    },
    {
      change: { targets: [{ ...target, values: { subnetIds: 1 } }] },
      names: "targets.0.values.subnetIds: must be a string or a list of strings",
    },
    {
      change: { targets: [{ ...target, tenants: { ...target.tenants, subnetIds: ["subnet-1a"] } }] },
      names: "targets.0.tenants.subnetIds: must have at least 2",
    },
    {
      change: { targets: [{ ...target, tenants: { cluster: "old" } }] },
      names: "targets.0.tenants.cluster: must be one of new, existing",
    },
    {
      change: { targets: [{ ...target, tenants: { ...target.tenants, engineVersion: "18.3" } }] },
      names: "targets.0.tenants.engineVersion: Aurora has no",
    },
    // contradictory
    {
      change: { targets: [{ ...target, tenants: { ...target.tenants, minCapacity: 4 } }] },
      names: "targets.0.tenants.minCapacity: must not be above maxCapacity",
    },
    { change: { store: { ...good.store, minCapacity: 4 } }, names: "store.minCapacity: must not be above maxCapacity" },
    {
      change: { schedules: { sweepMinutes: 1, driftMinutes: 60 } },
      names: "schedules.sweepMinutes: must be at least 15 while store.minCapacity is 0",
    },
    {
      change: { schedules: { sweepMinutes: 60, driftMinutes: 5 } },
      names: "schedules.driftMinutes: must be at least 15 while",
    },
    { change: { driftIntervalSeconds: 600 }, names: "schedules.driftMinutes: must not be above 10" },
    { change: { domain, region: "eu-west-2" }, names: "domain.certificateArn: must be a certificate in eu-west-2" },
    {
      change: { machineCallers: [{ ...machine, role: "platform" }] },
      names: "machineCallers.0: has no team; allowed are",
    },
    { change: { machineCallers: [machine, machine] }, names: "machineCallers.1: has the name ci of number 0 too" },
    {
      change: { account: null, targets: [target] },
      names: "account: must be Cairn's account id, because the targets'",
    },
    // overlapping
    {
      change: { targets: [target, { ...second, environments: ["development"] }] },
      names: 'targets.1: "other" has the environment development, and so has "shared"',
    },
    {
      change: { targets: [target, { ...second, tenants: target.tenants }] },
      names: `targets.1: "other" has the tenants' environment development, and so has "shared"`,
    },
    {
      change: { targets: [target, { ...second, name: "shared" }] },
      names: "targets.1: has the name shared of number 0 too",
    },
    {
      change: { targets: [target, { ...second, externalId: target.externalId }] },
      names: 'targets.1: "other" has the externalId a-made-up-secret-01, and so has "shared"',
    },
  ])("is refused with file and key: $names", ({ change, names }) => {
    const parse = () => parseStage("infra/stages/x.ts", { ...good, ...change });
    expect(parse).toThrow("infra/stages/x.ts cannot be used:\n");
    expect(parse).toThrow(names);
  });
});
