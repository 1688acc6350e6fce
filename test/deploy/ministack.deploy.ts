import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DriftReport, Finding } from "../../core/drift.ts";
import type { IntentView } from "../../core/intent.ts";
import { badTokens, tokensOf } from "../support/bad-tokens.ts";
import { type HttpClient, httpClient, intentEnd, resourcesOf, settleIntent } from "../support/machine.ts";
import { type Account, openAccount } from "./account.ts";
import { without } from "./grants.ts";
import { endsOf, eventsOf, isChanging, leftIn, stackId } from "./left-behind.ts";
import { lenient } from "./lenient.ts";
import { changeByHand, creationsSince, objectsOf, slowly } from "./objects.ts";
import { apiOf, control, type Outputs, pipeline, stacks, stageName } from "./place.ts";
import { beginRotation, invoke } from "./rotation.ts";
import { type Credentials, getSigned, take } from "./signed.ts";
import { passTime, tablesOf } from "./store.ts";
import { until } from "./until.ts";

const orders = JSON.parse(readFileSync(new URL("../../examples/orders.json", import.meta.url), "utf8")) as object;

const invoices = {
  action: "apply",
  team: "payments",
  service: "invoices",
  environment: "staging",
  resources: { files: { type: "bucket" }, jobs: { type: "queue" } },
};

const failingMigration = { name: "9999-fails.sql", script: "create table cairn.half_way (id int);\nselect 1 / 0;" };

let account: Account;
let assembly: string;
let failing: string;
let releaseTwo: Promise<string>;
let unprotected: Promise<string>;
let outputs: Outputs;
let api: string;
let developer: HttpClient;
let platform: HttpClient;
/** The version that the deployed contract says. */
const served = async () => {
  const { body } = await httpClient(api, null)<{ info: { version: string } }>("GET", "/openapi.json");
  return body.info.version;
};
/** Where a deployment is killed: files half-way up, a change that nobody executed, functions about to be changed or made. */
const interruptions = [
  (printed: string) => /: start: Publishing/.test(printed),
  (printed: string) => /: creating CloudFormation changeset/i.test(printed),
  () => isChanging(account, control),
];
/** What was killed leaves CloudFormation at work. */
const atRest = () =>
  until(240, async () => !(await Promise.all(stacks.map((stack) => isChanging(account, stack)))).includes(true));
const as = async (claims: { sub: string; role?: string; team?: string }) =>
  httpClient(api, await account.issuer.sign(claims));

beforeAll(async () => {
  account = await openAccount();
});
afterAll(() => account?.close());

describe("from an empty account", () => {
  test("it is bootstrapped, and a first deployment that fails can be repeated", async () => {
    await account.cdk.bootstrap();
    failing = await account.cdk.synthesize({ ...account.app, release: "failing", migration: failingMigration });
    await expect(account.cdk.deploy(failing)).rejects.toThrow(/division by zero/);
    await atRest();
  });

  test("the app is deployed with the roles that makes, by a deployment that was killed on its way and repeated", async () => {
    assembly = await account.cdk.synthesize({ ...account.app, release: "1" });
    for (const interruption of interruptions) {
      await account.cdk.interrupt(assembly, interruption);
      await atRest();
    }
    ({ outputs } = await account.cdk.deploy(assembly));
    api = apiOf(account.url, outputs, "ApiUrl");
    [developer, platform] = [
      await as({ sub: "ada", role: "developer", team: "payments" }),
      await as({ sub: "first-user" }),
    ];
  });

  test("anyone may read whether it serves, and its contract", async () => {
    expect((await httpClient(api, null)("GET", "/healthz")).body).toEqual({ status: "ok" });
    expect(await served()).toBe("1");
  });

  test("the first platform user, whom the stage names, makes a team", async () => {
    const made = await platform("PUT", "/v1/teams/payments", { contact: "payments@example.com" });
    expect(made.status).toBe(201);
  });
});

describe("the JWT authorizer", () => {
  const tokens = () => tokensOf(account.issuer, account.signers);
  const known = badTokens(tokens);
  const statusOf = async (token: string) => (await httpClient(api, token)("GET", "/v1/resources")).status;

  test("lets a good token in", async () => {
    expect(await statusOf(await tokens().issued({}))).toBe(200);
  });

  test.each(known.filter(([reason]) => !lenient.has(reason)))("refuses %s", async (_reason, make) => {
    expect(await statusOf(await make())).toBe(401);
  });

  test.each(known.filter(([reason]) => lenient.has(reason)))(
    "of the emulator does not refuse %s, as API Gateway does",
    async (reason, make) => {
      expect(await statusOf(await make())).toBe(lenient.get(reason));
    },
  );

  test("has judged at least twenty bad ones", () => {
    expect(known.filter(([reason]) => !lenient.has(reason)).length).toBeGreaterThanOrEqual(20);
  });
});

describe("the API for machines", () => {
  const read = (credentials: Credentials | null) => {
    const url = `${apiOf(account.url, outputs, "MachineApiUrl")}/v1/resources`;
    return credentials === null ? fetch(url) : getSigned(url, credentials);
  };

  test("lets the machine in that the stage names, under the role that its own role may take on", async () => {
    const own = await take(account.url, account.administrator, pipeline);
    const machine = await take(account.url, own, roleOf("caller-ci"));
    expect((await read(machine)).status).toBe(200);
    await expect(take(account.url, account.administrator, roleOf("caller-ci"))).rejects.toThrow(/not authorized/);
  });

  test("refuses who signs nothing, who signs with a wrong key, and a role that nobody allowed it", async () => {
    expect((await read(null)).status).toBe(403);
    expect((await read({ ...account.administrator, secretAccessKey: "guessed" })).status).toBe(403);
    expect((await read(await take(account.url, account.administrator, pipeline))).status).toBe(403);
  });

  test("refuses an administrator, whom the gateway lets in and the stage does not name", async () => {
    const answer = await read(account.administrator);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([403, "application/problem+json"]);
  });
});

/** Before all that warms a function up. */
describe("a role without one of its grants", () => {
  test.each([
    ["api", "rds-data:ExecuteStatement"],
    ["api", "secretsmanager:GetSecretValue"],
  ])("%s, %s: the API cannot read, and can again with it", async (name, action) => {
    const read = async () => (await developer("GET", "/v1/resources")).status;
    expect(await without(account.iam, roleOf(name), action, read)).toBeGreaterThanOrEqual(500);
    expect(await read()).toBe(200);
  });

  test.each([
    // First, because a function keeps the session that it has for an hour.
    ["observe-resource", "sts:AssumeRole", "bucket"],
    ["target-shared", "cloudformation:CreateResource", "queue"],
    ["target-shared-tenants", "rds-data:ExecuteStatement", "postgres"],
  ])("%s, %s: what is asked for fails and says why, and becomes READY with it", async (name, action, type) => {
    const service = `without-${type}`;
    const intent = { ...invoices, service, resources: { one: { type } } };
    const failed = await without(account.iam, roleOf(name), action, () => settleIntent(developer, intent, 60));
    expect(failed.status).toBe("FAILED");
    const one = (await resourcesOf(developer, service)).get("one");
    expect(one?.reason?.message).toContain(action);
    expect(await objectsOf(account.rooms.cloudControl, service)).toEqual([]);
    expect((await settleIntent(developer, intent, 60)).status).toBe("READY");
  });
});

describe("an intent", () => {
  test("examples/orders.json becomes READY, with a real database and the objects in the account", async () => {
    const intent = await settleIntent(developer, orders, 120);
    expect(intent.resources.map(({ name, status }) => `${name} ${status}`).sort()).toEqual(
      ["api-key", "cache", "db", "db-url", "events", "files", "jobs"].map((name) => `${name} READY`),
    );
    const resources = await resourcesOf(developer, "orders");
    expect(resources.get("db")?.outputs).toMatchObject({
      host: "127.0.0.1",
      username: expect.stringMatching(/^orders/),
    });
  });
});

describe("a deployment of what is deployed", () => {
  test("changes nothing", async () => {
    const events = () => Promise.all(stacks.map((stack) => eventsOf(account, stack)));
    const before = await events();
    const again = await account.cdk.synthesize({ ...account.app, release: "1" });
    const { printed } = await account.cdk.deploy(again);
    expect(printed.match(/\(no changes\)/g)).toHaveLength(stacks.length);
    expect(await events()).toEqual(before);
  });
});

describe("a schedule", () => {
  const unstarted = { ...invoices, service: "unstarted", resources: { one: { type: "queue" } } };
  let accepted: IntentView;

  // Made while rules are waited for.
  beforeAll(() => {
    releaseTwo = account.cdk.synthesize({ ...account.app, release: "2" });
    unprotected = releaseTwo.then(() => account.cdk.synthesize({ ...account.app, release: "2", unprotected: true }));
    for (const made of [releaseTwo, unprotected]) made.catch(() => undefined);
  });

  test("does nothing yet for an intent that the API accepts and cannot start", async () => {
    const answer = await without(account.iam, roleOf("api"), "states:StartExecution", () =>
      developer<IntentView>("POST", "/v1/intents", unstarted, { "idempotency-key": "unstarted" }),
    );
    expect(answer.status).toBe(202);
    accepted = answer.body;
  });

  test("fires, and the drift machine writes a report of what somebody changed by hand", async () => {
    const bucket = (await resourcesOf(developer, "orders")).get("files");
    await changeByHand(account.rooms.cloudControl, bucket?.external?.identifier ?? "");
    const since = new Date().toISOString();
    await passTime(account.rooms.postgres.superuserUrl);
    const report = await until(150, async () => {
      const { body } = await developer<{ items: DriftReport[] }>("GET", "/v1/drift/reports?limit=100");
      return body.items.find(({ startedAt, status, checked }) => startedAt > since && status === "DONE" && checked > 0);
    });
    expect(report).toMatchObject({ resourceId: null, unreadable: 0, findings: 1 });
    const { body } = await developer<{ items: Finding[] }>("GET", "/v1/drift/findings");
    expect(body.items.map(({ resource, pointer }) => [resource.name, pointer])).toEqual([
      ["files", "/VersioningConfiguration/Status"],
    ]);
  });

  test("fires, and the sweep starts what the API could not", async () => {
    expect((await intentEnd(developer, accepted.id, 240)).status).toBe("READY");
  });
});

describe("a rotation", () => {
  test("gives a role another login, under which the API goes on", async () => {
    const { name, begun } = await beginRotation(account.secrets, roleOf("api"));
    for (const step of ["setSecret", "testSecret", "finishSecret"])
      expect(await invoke(account.client, roleOf("rotate-secret"), { Step: step, ...begun })).toBeUndefined();
    const { SecretString, VersionId } = await account.secrets.send(new GetSecretValueCommand({ SecretId: name }));
    expect(VersionId).toBe(begun.ClientRequestToken);
    expect(JSON.parse(SecretString ?? "{}")).toMatchObject({ username: "cairn_api_clone" });
    expect((await developer("GET", "/v1/resources")).status).toBe(200);
  });
});

describe("an update whose migration fails", () => {
  test("fails, puts back what it had changed, and leaves the version before it serving", async () => {
    await expect(account.cdk.deploy(failing)).rejects.toThrow(/division by zero/);
    await atRest();
    expect(await served()).toBe("1");
    expect(await tablesOf(account.rooms.postgres.superuserUrl)).not.toContain("half_way");
    expect((await settleIntent(developer, { ...invoices, service: "meanwhile" }, 60)).status).toBe("READY");
  });
});

describe("an update", () => {
  test("that is killed on its way and repeated serves new code, and loses no intent that is in flight", async () => {
    const next = await releaseTwo;
    await slowly(account.rooms.cloudControl, 120);
    const since = new Date().toISOString();
    const intent = await developer<IntentView>("POST", "/v1/intents", invoices, { "idempotency-key": "in-flight" });
    expect(intent.status).toBe(202);
    const asked = () => creationsSince(account.rooms.cloudControl, since);
    await until(60, async () => (await asked()).length === 2);
    for (const interruption of interruptions) {
      expect(await served()).toBe("1");
      await account.cdk.interrupt(next, interruption);
      await atRest();
    }
    await account.cdk.deploy(next);
    assembly = next;

    expect(await served()).toBe("2");
    const meanwhile = await developer<IntentView>("GET", `/v1/intents/${intent.body.id}`);
    expect(meanwhile.body.status).toBe("SYNCING");

    expect((await intentEnd(developer, intent.body.id, 240)).status).toBe("READY");
    await slowly(account.rooms.cloudControl, 1);
    expect(await asked()).toEqual(["AWS::S3::Bucket", "AWS::SQS::Queue"]);
    expect(await objectsOf(account.rooms.cloudControl, "invoices")).toHaveLength(2);
  });
});

describe("destroy", () => {
  test("is refused for the store as long as the stage protects it", async () => {
    await expect(account.cdk.destroy(assembly)).rejects.toThrow(/termination ?protection/i);
  });

  test("has taken all that holds no data, which goes on where the store says when it is deployed again", async () => {
    expect((await httpClient(api, null)("GET", "/healthz")).status).toBe(404);
    assembly = await unprotected;
    ({ outputs } = await account.cdk.deploy(assembly));
    api = apiOf(account.url, outputs, "ApiUrl");
    developer = await as({ sub: "ada", role: "developer", team: "payments" });
    const resources = [...(await resourcesOf(developer, "orders")).values()];
    expect(resources.map(({ status }) => status)).toEqual(Array(7).fill("READY"));
  });

  test("leaves what is to be kept and nothing else", async () => {
    const live = await objectsOf(account.rooms.cloudControl, "");
    expect(await leftIn(account)).toEqual(
      expect.arrayContaining(["cluster cairn-emulated", "machine cairn-emulated-drift"]),
    );
    const ids = await Promise.all(stacks.map((stack) => stackId(account, stack)));
    await account.cdk.destroy(assembly);

    const ends = (await Promise.all(ids.map((id) => endsOf(account, id)))).flat();
    expect(ends).toHaveLength(resourcesIn(assembly));
    expect(ends.filter(({ status }) => status !== "DELETE_COMPLETE")).toEqual([
      { type: "AWS::KMS::Key", status: "DELETE_SKIPPED" },
    ]);
    expect(await leftIn(account)).toEqual(["snapshot cairn-emulated"]);
    // What teams have is the targets', and no deployment's to take.
    expect(await objectsOf(account.rooms.cloudControl, "")).toEqual(live);
  });
});

function roleOf(name: string): string {
  return `cairn-${stageName}-${name}`;
}

/** How many resources its templates have. */
function resourcesIn(folder: string): number {
  const templates = readdirSync(folder).filter((name) => name.endsWith(".template.json"));
  return templates
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as { Resources: object })
    .reduce((sum, { Resources }) => sum + Object.keys(Resources).length, 0);
}
