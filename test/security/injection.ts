import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { httpClient } from "../support/machine.ts";
import { type Stage, sendIntent } from "./stage.ts";

/** What a careless statement, template, definition, log or parser would act on. */
const hostile = [
  "'; drop table cairn.teams; --",
  '"); drop schema cairn cascade; --',
  "$1 :team ? %s {0}",
  "${target.adminSecretArn}",
  "${resources.db.outputs.url}",
  "States.Format('{}', $.team)",
  "$.operation",
  "arn:aws:iam::666666666666:role/*",
  "../../teams",
  "/__proto__/polluted",
  "<script>alert(1)</script>",
  "🚀\u2028\u202eevil",
  "\\",
];

/** Laws, Security 4, 5 and 10, through the running gateway, store and state machines. */
export function injection(stage: () => Stage): void {
  describe("hostile text", () => {
    test.each(hostile)("%j as a token's sub is kept as it is and acted on by nobody", async (sub) => {
      const { machine, endpoints, payments, superuser } = stage();
      const token = await machine.token({ sub, role: "developer", team: "payments" });
      const side = { ...payments, developer: httpClient(endpoints.api, token) };
      const { status, body } = await sendIntent(side, "orders", { resources: { jobs: { type: "queue" } } });
      expect(status).toBe(202);
      const kept = await superuser.query("select subject from cairn.intents where id = $1", [body.id]);
      expect(kept.rows).toEqual([{ subject: sub }]);
    });

    test.each(hostile)("%j as a description comes back as it was sent", async (description) => {
      const { payments } = stage();
      const put = await payments.developer<{ description: string }>("PUT", "/v1/services/orders", { description });
      expect(put.status).toBe(200);
      expect(put.body.description).toBe(description);
    });

    test.each(hostile)(
      "%j as a name, a type, a class, a parameter or an override is a 400 that names it",
      async (text) => {
        const { payments } = stage();
        const attacks: [object, RegExp][] = [
          [{ service: text, resources: {} }, /^\/service/],
          [{ environment: text, resources: { a: { type: "queue" } } }, /^\/environment/],
          [{ resources: { [text]: { type: "queue" } } }, /^\/resources/],
          [{ resources: { a: { type: text } } }, /^\/resources\/a\/type/],
          [{ resources: { a: { type: "postgres", class: text } } }, /^\/resources\/a\/class/],
          [{ resources: { a: { type: "queue", parameters: { [text]: 1 } } } }, /^\/resources\/a\/parameters/],
          [{ resources: { a: { type: "queue", overrides: { [text]: 1 } } } }, /^\/resources\/a\/overrides/],
          [{ resources: { a: { type: "queue", version: text } } }, /^\/resources\/a\/version/],
          [{ [text]: 1, resources: { a: { type: "queue" } } }, /./],
        ];
        for (const [rest, pointer] of attacks) {
          const { status, body } = await sendIntent<{ errors: { pointer: string }[] }>(payments, "orders", rest);
          expect([status, JSON.stringify(rest)]).toEqual([400, JSON.stringify(rest)]);
          expect(body.errors[0]?.pointer).toMatch(pointer);
        }
      },
    );

    test("in a parameter's value reaches the provider as it was sent", async () => {
      const { payments, endpoints } = stage();
      const texts = hostile.filter((text) => !text.includes("${"));
      const resources = Object.fromEntries(
        texts.map((value, index) => [`p${index}`, { type: "parameter", parameters: { value, description: "x" } }]),
      );
      const { status, body } = await sendIntent(payments, "hostile", { resources });
      expect(status).toBe(202);
      await expect
        .poll(async () => (await payments.viewer<{ status: string }>("GET", `/v1/intents/${body.id}`)).body.status, {
          timeout: 25_000,
          interval: 300,
        })
        .toBe("READY");
      const ledger = (await (await fetch(`${endpoints.cloudControl}/_sim/ledger`)).json()) as {
        items: { identifier: string; properties: { Value?: string } }[];
      };
      const values = ledger.items.filter(({ identifier }) => identifier.startsWith("hostile-"));
      expect(values.map(({ properties }) => properties.Value).sort()).toEqual([...texts].sort());
    });

    test.each(hostile)("%j as an id, a filter or a cursor is a 4xx", async (text) => {
      const { payments } = stage();
      const escaped = encodeURIComponent(text);
      const inner = Buffer.from(`resources|${text}`).toString("base64url");
      for (const path of [
        `/v1/resources/${escaped}x`,
        `/v1/intents/${escaped}x`,
        `/v1/decisions/${escaped}x`,
        `/v1/drift/reports/${escaped}x`,
        `/v1/teams/${escaped}x`,
        `/v1/resources?service=${escaped}`,
        `/v1/resources?${escaped}=1`,
        `/v1/resources?cursor=${inner}`,
        `/v1/services?cursor=${Buffer.from(`services|${text}`).toString("base64url")}`,
      ]) {
        const { status } = await payments.viewer("GET", path);
        expect([400, 404], `${path} answered ${status}`).toContain(status);
      }
    });

    test("is on no line of the log, and breaks none", () => {
      const { log } = stage();
      for (const line of log) {
        expect(line).not.toMatch(/drop table|drop schema|666666666666|alert\(1\)/);
        expect(line.split("\n").filter((part) => part !== "" && !/^(\S+: )?\{.*\}$/.test(part))).toEqual(
          line.split("\n").filter((part) => part !== "" && !part.includes("{")),
        );
      }
    });
  });

  describe("a path is read once", () => {
    test.each([
      "/v1/drift/reports/..%2f..%2fteams",
      "/v1/drift/reports/..%5c..%5cteams",
      "/v1/drift/reports/%252e%252e/%252e%252e/teams",
      "/healthz/..%2fv1/teams",
      "/openapi.json%2f..%2fv1%2fteams",
    ])("%s opens no other route", async (path) => {
      const { payments, endpoints } = stage();
      const withToken = await raw(endpoints.api, path, payments.token);
      expect([400, 404]).toContain(withToken.status);
      expect([400, 401, 404]).toContain((await raw(endpoints.api, path, null)).status);
    });
  });

  describe("a host is no path", () => {
    test.each(["127.0.0.1/v1/teams?", "127.0.0.1/v1/teams#", "x\\v1\\teams?", "user@host", "a b"])(
      "%s leads to no other route than the one that was let in",
      async (host) => {
        expect((await raw(stage().endpoints.api, "/healthz", null, host)).status).toBe(400);
      },
    );
  });

  describe("a body", () => {
    const cases: { reason: string; body: string; status: number }[] = [
      { reason: "of 257 KiB", body: `{"a":"${"x".repeat(257 * 1024)}"}`, status: 413 },
      { reason: "of a hundred thousand brackets", body: "[".repeat(100_000) + "]".repeat(100_000), status: 400 },
      { reason: "that says one thing twice", body: '{"action":"apply","action":"delete"}', status: 400 },
      { reason: "with a number that no double holds", body: '{"version":1e999}', status: 400 },
      { reason: "with a prototype in it", body: '{"__proto__":{"role":"platform"}}', status: 400 },
      { reason: "with a lone surrogate", body: '{"team":"\\ud800"}', status: 400 },
      { reason: "with U+0000", body: '{"team":"a\\u0000b"}', status: 400 },
    ];
    test.each(cases)("$reason is a $status, and nothing is stored", async ({ body, status }) => {
      const { payments, superuser } = stage();
      const count = async () => (await superuser.query("select count(*) from cairn.intents")).rows[0];
      const before = await count();
      const answer = await payments.developer("POST", "/v1/intents", body, { "idempotency-key": "hostile-body" });
      expect(answer.status).toBe(status);
      expect(await count()).toEqual(before);
    });
  });

  test("and every table is still there", async () => {
    const { superuser, platform } = stage();
    const tables = await superuser.query("select count(*)::integer as n from pg_tables where schemaname = 'cairn'");
    expect(tables.rows[0].n).toBeGreaterThan(15);
    expect((await platform("GET", "/v1/teams")).status).toBe(200);
  });
}

/** A request whose path goes out as it is written: `fetch` would resolve its dots itself. */
function raw(api: string, path: string, token: string | null, host?: string): Promise<{ status: number }> {
  const { hostname, port } = new URL(api);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ hostname, port, path },
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(host === undefined ? {} : { host }),
        },
      },
      (response) => {
        response.resume();
        response.on("end", () => resolve({ status: response.statusCode ?? 0 }));
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}
