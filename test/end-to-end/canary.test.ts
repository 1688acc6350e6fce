import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  awsClients,
  httpClient,
  putSim,
  resourcesOf,
  rotateStoreSecret,
  settleIntent,
  startTestMachine,
  type TestMachine,
} from "../support/machine.ts";

// Law, Security 8: secrets are seeded wherever one can come from, and looked for wherever one may not be: in every
// database of the cluster, in the log, in Postgres's own log and files, and in what executions were given and answered.

/** The simulated cloud and the keys of this machine keep secrets: that is what they are for. */
const keepers = /^(?:cloud\/|endpoints\.json$|issuer-key\.json$|postgres\/superuser-password$)/;

describe("a secret that was seeded", () => {
  let machine: TestMachine;
  const canaries: { [where: string]: string } = {};

  beforeAll(async () => {
    machine = await startTestMachine({ periods: { sweep: 2, drift: 2, housekeeping: 86_400 } });
    const { developer, endpoints } = machine;
    await putSim(endpoints, "settings", { provisionSeconds: 0.2, requestsPerSecond: 1000, burst: 1000 });

    await sendRefused();
    // Made by providers: a database's password and a generated value. The faults make every step run more than once.
    await putSim(endpoints, "faults", [
      { operation: "CreateResource", error: "ThrottlingException", times: 2 },
      { operation: "CreateResource", error: "ServiceInternalErrorException", stage: "handler", times: 1 },
    ]);
    const made = { db: { type: "postgres" }, "api-key": { type: "secret" }, url: urlParameter };
    expect((await settleIntent(developer, intentWith(made), 90)).status).toBe("READY");
    const { secretsManager } = awsClients(endpoints);
    const secretValue = async (SecretId: string) =>
      (await secretsManager.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? "";
    const resources = await resourcesOf(developer, "orders");
    const { secretArn, ...login } = (resources.get("db")?.outputs ?? {}) as { [key: string]: string };
    const { password } = JSON.parse(await secretValue(secretArn ?? "")) as { password: string };
    canaries["the database's password"] = password;
    canaries["the generated value"] = await secretValue(resources.get("api-key")?.outputs.secretArn as string);
    for (const role of ["owner", "api", "platform", "worker", "tenants"]) {
      const stored = JSON.parse(await secretValue(`cairn/store/${role}`)) as { password: string };
      canaries[`the store's ${role} password`] = stored.password;
    }
    await useIt({ ...login, password });
    for (const role of ["api", "platform", "worker", "owner"]) {
      await rotateStoreSecret(endpoints, role);
      const { username, password: next } = JSON.parse(await secretValue(`cairn/store/${role}`)) as typeof login;
      expect(username).toBe(role === "owner" ? "cairn_owner" : `cairn_${role}_clone`);
      canaries[`the store's next ${role} password`] = next ?? "";
    }
    // Observed again, by the drift machine and on demand, before anything is looked for.
    await developer("POST", `/v1/resources/${resources.get("db")?.id}/verify`, {});
    await settleIntent(developer, { ...intentWith({ "api-key": {} }), action: "delete" });
  }, 150_000);
  afterAll(() => machine?.close());

  const whereOf = (value: string) => Object.keys(canaries).find((where) => canaries[where] === value);
  const intentWith = (resources: object) => ({
    action: "apply",
    team: "payments",
    service: "orders",
    environment: "staging",
    resources,
  });

  /** What a careless caller sends: each is refused, and a refusal is remembered without its value. */
  async function sendRefused(): Promise<void> {
    const { developer, endpoints, machine: local } = machine;
    const canary = (where: string): string => {
      const value = `canary-${randomBytes(12).toString("hex")}`;
      canaries[where] = value;
      return value;
    };
    const inProduction = (overrides: object) => ({
      ...intentWith({ db: { type: "postgres", overrides } }),
      environment: "production",
    });
    const wrong: [number, unknown][] = [
      [400, inProduction({ MasterUserPassword: canary("a sealed override") })],
      [403, inProduction({ TdeCredentialPassword: canary("a denied override") })],
      [400, intentWith({ key: { type: "secret", overrides: { SecretString: canary("a secret's value") } } })],
      [
        403,
        intentWith({
          key: {
            type: "secret",
            overrides: {
              GenerateSecretString: {
                SecretStringTemplate: JSON.stringify({ password: canary("a secret's template") }),
                GenerateStringKey: "other",
              },
            },
          },
        }),
      ],
      [400, intentWith({ db: { type: "postgres", parameters: { password: canary("an unknown parameter") } } })],
      [400, { ...intentWith({ db: { type: "postgres" } }), password: canary("an unknown field") }],
      [400, `{"action":"apply","password":"${canary("malformed JSON")}`],
      [413, JSON.stringify({ password: canary("an oversized body").padEnd(300_000, "x") })],
    ];
    for (const [status, body] of wrong) {
      const answer = await developer("POST", "/v1/intents", body, {
        "idempotency-key": randomBytes(8).toString("hex"),
      });
      expect([answer.status, JSON.stringify(body).slice(0, 300)]).toEqual([status, JSON.stringify(body).slice(0, 300)]);
    }
    const send = httpClient(endpoints.api, canary("a token that is none"));
    expect((await send("GET", "/v1/resources")).status).toBe(401);
    expect((await developer("GET", `/v1/resources?access_token=${canary("a query parameter")}`)).status).toBe(400);
    expect((await developer("GET", "/v1/resources", undefined, { "x-api-key": canary("a header") })).status).toBe(200);
    const token = await local.token({ sub: "someone", role: "developer", team: "payments" });
    canaries["a token"] = token;
    canaries["a token's signature"] = token.split(".")[2] ?? "";
    await httpClient(endpoints.api, token)("PUT", "/v1/services/orders", {});
  }

  test("is in no table of any database", async () => {
    const url = new URL(machine.endpoints.postgres);
    const found: string[] = [];
    // What is stored on purpose is found by the same search.
    const control = "payments@example.com";
    const controls: string[] = [];
    let looked = 0;
    for (const database of await databases(url.href)) {
      url.pathname = `/${database}`;
      const session = new pg.Client({ connectionString: url.href });
      await session.connect();
      const tables = await session.query<{ name: string }>(
        `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'm') and n.nspname not in ('information_schema', 'pg_toast')`,
      );
      for (const { name } of tables.rows) {
        looked += 1;
        const hits = await session.query<{ value: string }>(
          `select distinct value from ${name} t, unnest($1::text[]) value where strpos(t::text, value) > 0`,
          [[...Object.values(canaries), control]],
        );
        for (const { value } of hits.rows) {
          if (value === control) controls.push(`${database}, ${name}`);
          else found.push(`${whereOf(value)} in ${database}, ${name}`);
        }
      }
      await session.end();
    }
    expect(found).toEqual([]);
    expect(looked).toBeGreaterThan(100);
    expect(controls).toContain("cairn, cairn.teams");
  });

  test("is in no file of the home: not in Postgres's log or files, nor in an execution's input or output", async () => {
    const files = (await readdir(machine.home, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.some((file) => file.endsWith("step-functions.sqlite"))).toBe(true);
    expect(files.some((file) => file.endsWith("server.log"))).toBe(true);
    const found: string[] = [];
    for (const file of files) {
      const name = relative(machine.home, file);
      if (keepers.test(name)) continue;
      // Postgres renames and removes its own while they are being read.
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      for (const [where, value] of Object.entries(canaries))
        if (bytes.includes(value)) found.push(`${where} in ${name}`);
    }
    expect(found).toEqual([]);
  });

  test("is on no line of the log", () => {
    const text = machine.log.join("\n");
    expect(text).toContain("swept");
    expect(Object.entries(canaries).filter(([, value]) => text.includes(value))).toEqual([]);
  });

  test("is in nothing that the API answers", async () => {
    const { developer, platform } = machine;
    const answers: string[] = [];
    for (const path of [
      "/v1/resources?team=payments",
      "/v1/resources?team=payments&status=DELETED",
      "/v1/drift/findings",
      "/v1/targets",
      "/v1/services?team=payments",
    ])
      answers.push(JSON.stringify((await platform<object>("GET", path)).body));
    for (const { id } of (await resourcesOf(developer, "orders")).values())
      answers.push(JSON.stringify((await developer<object>("GET", `/v1/resources/${id}/events`)).body));
    const text = answers.join("\n");
    expect(Object.entries(canaries).filter(([, value]) => text.includes(value))).toEqual([]);
  });

  test("is found where it is kept, so that the search can find", async () => {
    const bytes = await Promise.all(
      ["cloud.sqlite", "cloud.sqlite-wal"].map((file) => readFile(join(machine.home, "cloud", file))),
    );
    const password = canaries["the database's password"] ?? "";
    expect(bytes.some((content) => content.includes(password))).toBe(true);
  });
});

const urlParameter = { type: "parameter", parameters: { value: "${resources.db.outputs.url}" } };

/** The stranger's first sign-in, right and wrong: both leave lines in Postgres's log. */
async function useIt(login: { [key: string]: string }): Promise<void> {
  const { host, port, database, username: user, password } = login;
  const right = new pg.Client({ host, port: Number(port), database, user, password });
  await right.connect();
  await right.query("create table visits (id integer)");
  await right.query("select 1/0").catch(() => undefined);
  await right.end();
  const wrong = new pg.Client({ host, port: Number(port), database, user, password: `${password}!` });
  await expect(wrong.connect()).rejects.toThrow(/password authentication failed/);
}

async function databases(superuserUrl: string): Promise<string[]> {
  const session = new pg.Client({ connectionString: superuserUrl });
  await session.connect();
  const { rows } = await session.query<{ datname: string }>("select datname from pg_database where datallowconn");
  await session.end();
  return rows.map(({ datname }) => datname);
}
