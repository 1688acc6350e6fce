import { readFileSync } from "node:fs";
import { UpdateResourceCommand } from "@aws-sdk/client-cloudcontrol";
import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import type { Access } from "../../api/access.ts";
import type { Role } from "../../core/caller.ts";
import type { DriftReport, Finding } from "../../core/drift.ts";
import type { Resource } from "../../core/resource.ts";
import { type Answer, awsClients, type HttpClient } from "../support/machine.ts";
import { eventually, type Stage, secretOf, sendIntent, sharedKey, statement, wanted } from "./stage.ts";

type Operation = { operationId: string; "x-cairn-access": Access; parameters?: { name: string; in: string }[] };
type List = { items: { [key: string]: unknown }[]; nextCursor: string | null };

const contract = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8")) as {
  paths: { [path: string]: { [method: string]: Operation } };
};
const routes = Object.entries(contract.paths)
  .filter(([path]) => path.startsWith("/v1/"))
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
const cells = routes.flatMap((route) => [
  { ...route, role: "viewer" as const, whose: "its own" },
  { ...route, role: "viewer" as const, whose: "another team's" },
  { ...route, role: "developer" as const, whose: "its own" },
  { ...route, role: "developer" as const, whose: "another team's" },
  { ...route, role: "platform" as const, whose: "a team's" },
]);
const lists = routes.filter(
  ({ method, path, operation }) =>
    method === "GET" && !path.includes("{") && operation["x-cairn-access"].objects === "team",
);

/** Laws, Security 1 and 2, through the running API, the store and its roles. */
export function isolation(stage: () => Stage): void {
  describe("one team's objects and another team", () => {
    let report: DriftReport;
    let finding: Finding;

    // Payments' bucket is changed behind Cairn's back, so that there is drift that search may not see.
    beforeAll(async () => {
      const { payments, endpoints } = stage();
      await openTheWall(endpoints, payments.resources.get("files")?.external?.identifier ?? "");
      finding = await eventually(async () => {
        const { body } = await payments.developer<{ items: Finding[] }>("GET", "/v1/drift/findings");
        return body.items[0] ?? null;
      });
      const asked = await payments.developer<{ id: string }>("POST", `/v1/resources/${finding.resource.id}/verify`);
      report = await eventually(async () => {
        const { body } = await payments.developer<DriftReport>("GET", `/v1/drift/reports/${asked.body.id}`);
        return body.status === "DONE" ? body : null;
      });
    });

    /** A request about payments, whoever sends it. */
    function aboutPayments(send: HttpClient, { method, path, operation }: (typeof routes)[number]) {
      const { payments } = stage();
      const id = {
        getIntent: payments.intent.id,
        getDecision: payments.intent.decision.id,
        getDriftReport: report.id,
        // Of nothing: the tests after this one still need what payments has.
        abandonResource: "0192f3c1-7a10-7c3e-9a51-000000000099",
      }[operation.operationId];
      const takesTeam = operation.parameters?.some(({ name, in: where }) => where === "query" && name === "team");
      const filled = path
        .replace("{id}", id ?? finding.resource.id)
        .replace("{team}", "payments")
        .replace("breakers/{service}", "breakers/AWS::S3")
        .replace("{service}", "orders")
        .replace("{environment}", "staging")
        .replace("{provider}", "aws")
        .replace("{type}", "bucket");
      const bodies: { [id: string]: object } = {
        sendIntent: { action: "apply", team: "payments", service: "orders", environment: "staging", resources: wanted },
        putTeam: { contact: "payments@example.com" },
        putService: {},
        putEnvironment: { tier: "staging" },
        verifyResource: {},
        putBreaker: { state: "CLOSED" },
      };
      return send<never>(method, `${filled}${takesTeam ? "?team=payments" : ""}`, bodies[operation.operationId], {
        "idempotency-key": sharedKey,
      });
    }

    test.each(cells)("$method $path, $role, $whose", async (cell) => {
      const { search, payments, platform } = stage();
      const side = cell.whose === "another team's" ? search : payments;
      const answer = await aboutPayments(cell.role === "platform" ? platform : side[cell.role], cell);
      const access = cell.operation["x-cairn-access"];
      const text = JSON.stringify(answer.body);

      if (!access.roles.includes(cell.role as Role)) return expect(answer.status, text).toBe(403);
      if (cell.whose === "another team's" && access.objects === "team") {
        expect(namesPayments(stage(), text)).toBe(false);
        // A list that takes no team shows the caller's own.
        return expect(answer.status, text).toBe(
          cell.path.endsWith("reports") || cell.path.endsWith("teams") ? 200 : 404,
        );
      }
      // What was let in and changes nothing: a READY resource is not tried again, and there is none to give up.
      const refused = { retryResource: 409, abandonResource: 404 }[cell.operation.operationId];
      if (refused !== undefined) return expect(answer.status, text).toBe(refused);
      expect(answer.status, text).toBeLessThan(300);
    });

    test.each(lists)("a walk through $path is complete, and shows nobody else's", async ({ path }) => {
      const { search, payments, platform } = stage();
      const own = await walk(search.viewer, path);
      expect(namesPayments(stage(), JSON.stringify(own))).toBe(false);
      // As many as the team has, not as many as there are.
      const counted: { [path: string]: number } = {
        "/v1/resources": 4,
        "/v1/services": 1,
        "/v1/teams": 1,
        "/v1/drift/findings": 0,
      };
      if (path in counted) expect(own).toHaveLength(counted[path] as number);
      for (const one of own) if ("team" in one) expect(one.team).toBe("search");

      const theirs = await payments.viewer<List>("GET", `${path}?limit=1`);
      if (theirs.body.nextCursor === null) return;
      const borrowed = await search.viewer<List>("GET", `${path}?cursor=${theirs.body.nextCursor}`);
      expect(borrowed.status).toBe(200);
      expect(namesPayments(stage(), JSON.stringify(borrowed.body))).toBe(false);
      const all = await platform<List>("GET", `${path}?cursor=${theirs.body.nextCursor}`);
      expect([200, 400]).toContain(all.status);
    });

    test("a cursor of another team's timeline opens nothing", async () => {
      const { search, payments } = stage();
      const path = `/v1/resources/${finding.resource.id}/events`;
      const { body } = await payments.viewer<List>("GET", `${path}?limit=1`);
      expect(body.nextCursor).not.toBeNull();
      expect((await search.viewer("GET", `${path}?cursor=${body.nextCursor}`)).status).toBe(404);
    });

    test("a scheduled report counts and shows each team its own", async () => {
      const { search, payments, platform } = stage();
      const reports = await walk(payments.viewer, "/v1/drift/reports");
      const scheduled = reports.find(
        ({ status, resourceId, findings }) => status === "DONE" && resourceId === null && findings === 1,
      );
      expect(scheduled).toBeDefined();
      const of = async (send: HttpClient) =>
        (await send<DriftReport & { items: Finding[] }>("GET", `/v1/drift/reports/${scheduled?.id}`)).body;
      expect(await of(search.viewer)).toMatchObject({ findings: 0, items: [] });
      const [mine, everyones] = [await of(payments.viewer), await of(platform)];
      expect(mine.items.map(({ pointer }) => pointer)).toEqual([finding.pointer]);
      expect(everyones.checked).toBeGreaterThanOrEqual(mine.checked);
    });

    test("the same names and the same key in two teams are two of everything", async () => {
      const { search, payments } = stage();
      expect([payments.intent.status, search.intent.status]).toEqual(["READY", "READY"]);
      expect(search.intent.id).not.toBe(payments.intent.id);
      for (const [name, resource] of payments.resources) {
        const twin = search.resources.get(name) as Resource;
        expect(twin.id).not.toBe(resource.id);
        expect(twin.external?.identifier).not.toBe(resource.external?.identifier);
      }
      for (const side of [search, payments]) {
        const again = await sendIntent(side, "orders", { resources: wanted }, sharedKey);
        expect([again.body.id, again.headers.get("idempotent-replayed")]).toEqual([side.intent.id, "true"]);
      }
    });

    test.each([
      { reason: "another team's resource by name", value: "${resources.ledger.outputs.arn}" },
      { reason: "another team's resource by path", value: "${resources.payments/ledger.outputs.arn}" },
    ])("a reference to $reason is refused", async ({ value }) => {
      const { search, payments } = stage();
      await sendIntent(payments, "orders", { resources: { ledger: { type: "queue" } } });
      const { status, body } = await sendIntent<{ errors: { pointer: string }[] }>(search, "orders", {
        resources: { note: { type: "parameter", parameters: { value } } },
      });
      expect([status, body.errors.map(({ pointer }) => pointer)]).toEqual([400, ["/resources/note/parameters/value"]]);
    });

    test("an intent for another team leaves no trace", async () => {
      const { search, superuser } = stage();
      for (const action of ["apply", "delete"]) {
        const intruder = { ...search, team: "payments" };
        const resources = action === "apply" ? { files: { type: "bucket" } } : { files: {} };
        expect((await sendIntent(intruder, "intruded", { action, resources })).status).toBe(404);
        expect((await sendIntent(intruder, "orders", { action, resources })).status).toBe(404);
      }
      const traces = await superuser.query(
        `select (select count(*) from cairn.services where service = 'intruded')
           + (select count(*) from cairn.intents where team_id = 'payments' and subject = 'developer@search')
           + (select count(*) from cairn.audit_log where team_id = 'payments' and detail::text like '%intruded%') as n`,
      );
      expect(traces.rows).toEqual([{ n: "0" }]);
    });
  });

  describe("the role that serves teams, with the application out of the way", () => {
    let secretArn: string;
    beforeAll(async () => {
      secretArn = (await secretOf(stage(), "cairn/store/api")).arn;
    });
    const asApi = async (sql: string) =>
      (await statement(stage(), secretArn, "cairn", sql)).records?.[0]?.[0]?.stringValue ?? null;
    const asTeam = (team: string, query: string) =>
      asApi(`select r.n::text from (select set_config('cairn.team', '${team}', true) as t offset 0) ctx
        cross join lateral (${query}) r`);

    test("reads a team's rows with its setting, and none without, in every table that has a team", async () => {
      const tables = await stage().superuser.query<{ name: string }>(
        `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'team_id'
         where c.relnamespace = 'cairn'::regnamespace and c.relkind in ('r', 'p')
           and has_table_privilege('cairn_api', c.oid, 'select') order by 1`,
      );
      expect(tables.rows.length).toBeGreaterThanOrEqual(13);
      for (const { name } of tables.rows) {
        const count = (team: string) =>
          `select count(*) as n from cairn.${name} where team_id = '${team}' and ctx.t is not null`;
        expect([name, await asTeam("search", count("payments"))]).toEqual([name, "0"]);
        expect([name, await asTeam("", count("payments"))]).toEqual([name, "0"]);
        expect([name, await asApi(`select count(*)::text from cairn.${name}`)]).toEqual([name, "0"]);
      }
      expect(Number(await asTeam("search", "select count(*) as n from cairn.resources where ctx.t is not null"))).toBe(
        4,
      );
    });

    test("reads no table outside row-level security but what all teams share", async () => {
      const open = await stage().superuser.query(
        `select c.relname as name from pg_class c where c.relnamespace = 'cairn'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
           and has_table_privilege('cairn_api', c.oid, 'select') and not c.relrowsecurity order by 1`,
      );
      expect(open.rows.map(({ name }) => name)).toEqual([
        "breakers",
        "drift_halts",
        "environments",
        "target_budgets",
        "targets",
      ]);
    });

    test("sees another team's verification in no table", async () => {
      const run = "select count(*) as n from cairn.drift_runs where resource_team = 'payments' and ctx.t is not null";
      expect(Number(await asTeam("payments", run))).toBeGreaterThan(0);
      expect(await asTeam("search", run)).toBe("0");
    });

    test.each([
      {
        reason: "changes another team's resource",
        sql: "update cairn.resources set status = 'FAILED' where team_id = 'payments'",
      },
      {
        reason: "takes another team's key",
        sql: "update cairn.idempotency_keys set response = '{}' where team_id = 'payments'",
      },
      { reason: "gives its rows to another team", sql: "update cairn.services set team_id = 'payments'" },
      {
        reason: "adds to another team's audit log",
        sql: "insert into cairn.audit_log (team_id, id, actor, event) values ('payments', cairn.uuid7(), 'x', 'x')",
      },
      { reason: "rewrites the audit log", sql: "update cairn.audit_log set actor = 'x'" },
      { reason: "empties the audit log", sql: "delete from cairn.audit_log" },
      { reason: "empties it faster", sql: "truncate cairn.audit_log" },
      { reason: "makes a team", sql: "insert into cairn.teams (team_id) values ('mine')" },
      { reason: "changes where things live", sql: "update cairn.targets set config = '{}'" },
      { reason: "calls what workers call", sql: "select cairn.sweep(1, 1)" },
      { reason: "becomes the workers", sql: "set role cairn_worker" },
      { reason: "becomes the owner", sql: "set role cairn_owner" },
      {
        reason: "turns row-level security off for itself",
        sql: "alter table cairn.resources disable row level security",
      },
      {
        reason: "makes a function that runs as its owner",
        sql: "create function cairn.f() returns int language sql security definer as 'select 1'",
      },
      { reason: "makes a table", sql: "create table public.mine (x int)" },
      { reason: "reads passwords", sql: "select rolpassword from pg_authid" },
      { reason: "reads files", sql: "select pg_read_file('postgresql.conf')" },
    ])("nobody $reason", async ({ sql }) => {
      const session = await apiSession(stage());
      try {
        await session.query("begin");
        await session.query("select set_config('cairn.team', 'search', true)");
        const outcome = await session.query(sql).then(
          ({ rowCount }) => rowCount ?? 0,
          (error: { code?: string }) => error.code ?? "",
        );
        // 42501: refused, whether by privilege or by a policy. Nothing changed is as good for what is invisible.
        expect(["42501", 0]).toContain(outcome);
      } finally {
        await session.query("rollback");
        await session.end();
      }
    });
  });
}

/** Whether a text holds anything that only payments has. */
function namesPayments({ payments }: Stage, text: string): boolean {
  const own = [
    payments.intent.id,
    payments.intent.decision.id,
    ...[...payments.resources.values()].map(({ id }) => id),
  ];
  return [...own, "payments", "payments@example.com"].some((word) => text.includes(word));
}

async function walk(send: HttpClient, path: string): Promise<List["items"]> {
  const items: List["items"] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Answer<List> = await send<List>("GET", `${path}?limit=1${cursor === "" ? "" : `&cursor=${cursor}`}`);
    expect(page.status).toBe(200);
    items.push(...page.body.items);
    cursor = page.body.nextCursor;
    if (items.length >= 40) break;
  }
  return items;
}

async function openTheWall(endpoints: Stage["endpoints"], Identifier: string): Promise<void> {
  const path = "/PublicAccessBlockConfiguration/BlockPublicPolicy";
  await awsClients(endpoints).cloudControl.send(
    new UpdateResourceCommand({
      TypeName: "AWS::S3::Bucket",
      Identifier,
      PatchDocument: JSON.stringify([{ op: "replace", path, value: false }]),
    }),
  );
}

async function apiSession(stage: Stage) {
  const { username, password } = await secretOf(stage, "cairn/store/api");
  const url = new URL(stage.endpoints.postgres);
  const session = new pg.Client({
    host: url.hostname,
    port: Number(url.port),
    database: "cairn",
    user: username,
    password,
  });
  await session.connect();
  return session;
}
