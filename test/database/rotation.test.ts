import { randomBytes } from "node:crypto";
import { RDSDataClient } from "@aws-sdk/client-rds-data";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase } from "../../database/data-api.ts";
import { ensureLogin } from "../../database/roles.ts";
import {
  createSecret,
  finishSecret,
  type Rotation,
  setSecret,
  type Turn,
  testSecret,
} from "../../database/rotation.ts";
import { readLogin } from "../../local/cloud/secrets.ts";
import { startRdsData } from "../../local/rds-data/start-rds-data.ts";
import { beginRotation } from "../../local/secrets-manager/rotate-secret.ts";
import { startSecretsManager } from "../../local/secrets-manager/start-secrets-manager.ts";
import { startTestCloud, type TestCloud } from "../local/cloud-control/with-cloud.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";

const resourceArn = "arn:aws:rds:eu-west-1:000000000000:cluster:cairn";
const config = { region: "eu-west-1", credentials: { accessKeyId: "a", secretAccessKey: "b" }, maxAttempts: 1 };
const steps = [createSecret, setSecret, testSecret, finishSecret];
/** Roles are the cluster's, which all test files share: these bear a name of this file's own. */
const own = Array.from(randomBytes(8), (byte) => String.fromCharCode(97 + (byte % 26))).join("");

let database: TestDatabase;
let cloud: TestCloud;
let rotation: Rotation;
const closing: (() => Promise<void> | void)[] = [];
const arns: { [role: string]: string } = {};
/** What the steps call, in order; the nth call is the last thing of a function that dies, whatever its answer. */
const calls: { made: string[]; sql: string[]; last: number | null } = { made: [], sql: [], last: null };

beforeAll(async () => {
  database = await createTestDatabase();
  cloud = await startTestCloud();
  const server = await startSecretsManager({ store: cloud.store });
  const dataApi = await serveData();
  const secrets = watched(new SecretsManagerClient({ ...config, endpoint: server.url }));
  const data = watched(new RDSDataClient({ ...config, endpoint: dataApi.url }));
  closing.push(
    () => secrets.destroy(),
    () => data.destroy(),
    () => dataApi.close(),
    () => server.close(),
    () => cloud.stop(),
    () => cloud.remove(),
    () => database.drop(),
  );

  for (const role of ["owner", "api"]) {
    const login = { engine: "postgres", username: `${own}_${role}`, password: `${role}-first-password`, port: 5432 };
    const made = await secrets.send(
      new CreateSecretCommand({ Name: `store/${role}`, SecretString: JSON.stringify(login) }),
    );
    arns[role] = made.ARN ?? "";
  }
  await superuser(`create role ${own}_owner login createrole password 'owner-first-password'`);
  await superuser(`alter database ${database.name} owner to ${own}_owner`);
  rotation = {
    secrets,
    under: (secretArn, pauses = [50, 100, 200, 400, 800]) =>
      createDatabase({ client: data, resourceArn, secretArn, database: database.name, pauses }),
    ownerSecretArn: arns.owner ?? "",
    trialPrefix: "cairn-test-new-",
  };
  await ensureLogin(rotation.under(arns.owner ?? ""), `${own}_api`, `${own}_api`, "api-first-password");
});
afterAll(async () => {
  for (const close of closing) await close();
});
beforeEach(() => {
  calls.made = [];
  calls.sql = [];
  calls.last = null;
});

const serveData = () =>
  startRdsData({
    postgres: { host: database.host, port: database.port },
    resourceArn,
    readSecret: async (arn) => readLogin(cloud.store, arn),
  });

type Step = (request: { input: object }) => Promise<never>;
type Middleware = (next: (request: never) => Promise<object>, context: { commandName?: string }) => Step;
type Stacked = { middlewareStack: { add(middleware: Middleware, options: { step: "initialize" }): void } };

/** A client whose nth call is the last thing a function does. */
function watched<Client extends Stacked>(client: Client): Client {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (request) => {
        calls.made.push(commandName.replace("Command", ""));
        calls.sql.push("sql" in request.input ? String(request.input.sql) : "");
        const isLast = calls.last === calls.made.length;
        const answer = await next(request as never).catch((error: unknown) => {
          if (!isLast) throw error;
        });
        if (isLast) throw new Error("killed");
        return answer as never;
      },
    { step: "initialize" },
  );
  return client;
}

async function superuser(sql: string): Promise<void> {
  const session = new pg.Client({ connectionString: database.superuserUrl });
  await session.connect();
  await session.query(sql).finally(() => session.end());
}

function begin(role: "owner" | "api"): Turn {
  const secretArn = arns[role] ?? "";
  const { token } = cloud.store.transaction(() =>
    beginRotation(cloud.store, secretArn, {
      RotationLambdaARN: "arn:aws:lambda:eu-west-1:000000000000:function:rotate",
    }),
  );
  return { secretArn, token };
}

async function rotate(role: "owner" | "api"): Promise<Turn> {
  const turn = begin(role);
  for (const step of steps) await step(rotation, turn);
  return turn;
}

type Stored = { username: string; password: string; port: number };
async function stored(role: "owner" | "api", VersionStage = "AWSCURRENT"): Promise<Stored> {
  const answer = await rotation.secrets.send(new GetSecretValueCommand({ SecretId: arns[role], VersionStage }));
  return JSON.parse(answer.SecretString ?? "") as Stored;
}

/** By a connection of its own, as a pool would have to make one. */
async function opensDirectly({ username: user, password }: Stored): Promise<boolean> {
  const session = new pg.Client({ host: database.host, port: database.port, database: database.name, user, password });
  return session.connect().then(
    () => session.end().then(() => true),
    () => false,
  );
}

const whoAmI = (role: "owner" | "api") =>
  rotation.under(arns[role] ?? "").rows<string>("select to_jsonb(current_user::text)");

async function secretNames(): Promise<(string | undefined)[]> {
  const { SecretList = [] } = await rotation.secrets.send(new ListSecretsCommand({ IncludePlannedDeletion: true }));
  return SecretList.map(({ Name }) => Name).sort();
}

describe("a caller's secret", () => {
  test("has two logins that take turns, and the one before stays good until its next turn", async () => {
    const first = await stored("api");
    await rotate("api");
    const second = await stored("api");
    expect(second).toEqual({ ...first, username: `${own}_api_clone`, password: expect.any(String) });
    expect([await opensDirectly(first), await opensDirectly(second)]).toEqual([true, true]);
    expect(await stored("api", "AWSPREVIOUS")).toEqual(first);

    await rotate("api");
    const third = await stored("api");
    expect(third.username).toBe(`${own}_api`);
    expect(await Promise.all([first, second, third].map(opensDirectly))).toEqual([false, true, true]);
    expect(await secretNames()).toEqual(["store/api", "store/owner"]);
  });

  test("sends no password in SQL", async () => {
    await rotate("api");
    const { password } = await stored("api");
    expect(calls.sql.filter((sql) => sql.includes("SCRAM-SHA-256$4096:"))).toHaveLength(1);
    expect(calls.sql.join()).not.toContain(password);
  });

  test("is not moved to a login that does not open the store", async () => {
    const before = await stored("api");
    const turn = begin("api");
    await createSecret(rotation, turn);
    await setSecret(rotation, turn);
    const { username } = await stored("api", "AWSPENDING");
    await superuser(`alter role ${username} password 'something else'`);
    await expect(testSecret(rotation, turn)).rejects.toThrow("does not open the store");
    expect(await stored("api")).toEqual(before);
    for (const step of steps) await step(rotation, turn);
    expect((await stored("api")).username).toBe(username);
  });

  test("whose rotation is only set up is tried under the login it has, and is not given a version without one", async () => {
    const before = await stored("api");
    const turn = begin("api");
    await testSecret(rotation, turn);
    await expect(setSecret(rotation, turn)).rejects.toThrow("holds no login");
    await expect(finishSecret(rotation, turn)).rejects.toThrow("holds no login");
    expect([await stored("api"), await secretNames()]).toEqual([before, ["store/api", "store/owner"]]);
    for (const step of steps) await step(rotation, turn);
  });

  test("loses nothing to a deployment that comes between, which gives each role the login its secret has", async () => {
    const before = await stored("api");
    const turn = begin("api");
    await createSecret(rotation, turn);
    await setSecret(rotation, turn);
    await ensureLogin(rotation.under(arns.owner ?? ""), `${own}_api`, before.username, before.password);
    await testSecret(rotation, turn);
    await finishSecret(rotation, turn);
    expect(await Promise.all([before, await stored("api")].map(opensDirectly))).toEqual([true, true]);
  });

  test("is not rotated to a version that no rotation is about", async () => {
    const turn = await rotate("api");
    await rotate("api");
    for (const token of [turn.token, "00000000-0000-4000-8000-000000000000"]) {
      for (const step of steps)
        await expect(step(rotation, { ...turn, token })).rejects.toThrow("not being rotated to this version");
    }
  });
});

describe.each(["api", "owner"] as const)("the secret of %s", (role) => {
  test("is rotated whichever call was the last of a function that died, with nothing left behind", async () => {
    await rotate(role);
    const whole = calls.made.length;
    expect(whole).toBeGreaterThan(10);
    for (let last = 1; last <= whole; last++) {
      const before = await stored(role);
      const turn = begin(role);
      const run = async () => {
        for (const step of steps) await step(rotation, turn);
      };
      Object.assign(calls, { made: [], last });
      await expect(run(), `call ${last}`).rejects.toThrow("killed");
      // Secrets Manager begins again with the first step.
      calls.last = null;
      await run();
      const after = await stored(role);
      expect([last, after.password !== before.password, await opensDirectly(after)]).toEqual([last, true, true]);
    }
    expect(await secretNames()).toEqual(["store/api", "store/owner"]);
  }, 90_000);

  test("opens the store at any moment of a rotation", async () => {
    let rotating = true;
    let answered = 0;
    const using = Promise.all(
      Array.from({ length: 3 }, async () => {
        while (rotating) {
          expect((await whoAmI(role))[0]).toContain(`${own}_${role}`);
          answered += 1;
        }
      }),
    );
    for (let turn = 0; turn < 3; turn++) await rotate(role);
    rotating = false;
    await using;
    expect(answered).toBeGreaterThan(20);
  });
});

test("a call between the owner's new password and its secret's is tried again until the secret has it", async () => {
  const turn = begin("owner");
  for (const step of steps.slice(0, 3)) await step(rotation, turn);
  // A server that has neither a connection nor a secret from before.
  const dataApi = await serveData();
  const client = watched(new RDSDataClient({ ...config, endpoint: dataApi.url }));
  const { secretArn } = turn;
  const options = { client, resourceArn, secretArn, database: database.name };
  const asked = createDatabase({ ...options, pauses: [300, 300, 300, 300] }).rows("select to_jsonb(1)");
  await expect(createDatabase({ ...options, pauses: [] }).rows("select to_jsonb(1)")).rejects.toMatchObject({
    name: "StoreUnavailable",
    cause: { message: expect.stringContaining("SQLState: 28P01") },
  });
  await finishSecret(rotation, turn);
  expect(await asked).toEqual([1]);
  client.destroy();
  await dataApi.close();
});
