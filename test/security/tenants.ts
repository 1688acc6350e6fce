import { stat } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { type Side, type Stage, secretOf, statement } from "./stage.ts";

type Login = { arn: string; host: string; port: number; database: string; user: string; password: string };

/** What one tenant of the shared cluster can do to the others, to Cairn and to the cluster. */
export function tenants(stage: () => Stage): void {
  describe("a tenant of the shared cluster", () => {
    let mine: Login;
    let theirs: Login;
    beforeAll(async () => {
      mine = await loginOf(stage(), stage().payments);
      theirs = await loginOf(stage(), stage().search);
    });

    test("connects to its own database and makes what it needs there", async () => {
      const session = await connect(mine);
      await session.query("create table mine (id integer primary key)");
      await session.query("select lo_create(0)");
      await session.query("drop table mine");
      await session.end();
    });

    test.each(["cairn", "postgres", "template1", "cairn_tenants", "another team's"])(
      "does not connect to %s",
      async (name) => {
        const database = name === "another team's" ? theirs.database : name;
        await expect(connect({ ...mine, database })).rejects.toThrow(/permission denied for database/);
      },
    );

    test.each([
      { reason: "makes a role", sql: "create role evil login" },
      { reason: "makes itself a superuser", sql: "alter role current_user superuser" },
      { reason: "lets itself see every row", sql: "alter role current_user bypassrls" },
      { reason: "lifts its limit of connections", sql: "alter role current_user connection limit -1" },
      { reason: "becomes the tenants' admin", sql: "set role cairn_tenants" },
      { reason: "becomes Cairn's owner", sql: "set role cairn_owner" },
      { reason: "becomes the superuser", sql: "set session authorization postgres" },
      { reason: "reads passwords", sql: "select rolpassword from pg_authid" },
      { reason: "reads another's passwords", sql: "select * from pg_shadow" },
      { reason: "makes a database", sql: "create database evil" },
      { reason: "drops another's database", sql: "drop database DATABASE" },
      { reason: "takes another's role away", sql: "drop role OTHER" },
      { reason: "gives another's role a password", sql: "alter role OTHER password 'x'" },
      { reason: "gives itself another's role", sql: "grant OTHER to current_user" },
      { reason: "lets itself into another's database", sql: "grant connect on database DATABASE to current_user" },
      { reason: "runs a program", sql: "copy (select 1) to program 'true'" },
      { reason: "writes a file", sql: "copy (select 1) to '/dev/null'" },
      { reason: "reads a file", sql: "select pg_read_file('postgresql.conf')" },
      { reason: "imports a file", sql: "select lo_import('/etc/passwd')" },
      { reason: "lists files", sql: "select pg_ls_dir('.')" },
      { reason: "connects onwards", sql: "create extension dblink" },
      { reason: "ends another's session", sql: "select pg_terminate_backend(PID)" },
      { reason: "changes the server", sql: "alter system set log_statement = 'all'" },
      {
        reason: "reads what others run",
        sql: "select 1/count(*) from pg_stat_activity where query like '%select pg_sleep(0.001)%' and usename <> current_user",
      },
    ])("nobody $reason", async ({ sql }) => {
      const other = await connect(theirs);
      const session = await connect(mine);
      try {
        await other.query("select pg_sleep(0.001)");
        const { rows } = await other.query<{ pid: number }>("select pg_backend_pid() as pid");
        const text = sql
          .replace("DATABASE", theirs.database)
          .replace("OTHER", theirs.user)
          .replace("PID", String(rows[0]?.pid));
        // 42501 privilege, 42704 no such extension on offer, 58P01 no such file, 42501 again, 22012 nothing to see.
        const code = await session.query(text).then(
          () => "it was done",
          (error: { code?: string }) => error.code ?? "",
        );
        expect(["42501", "0A000", "22012", "55006"]).toContain(code);
      } finally {
        await session.end();
        await other.end();
      }
    });

    test("keeps its limit of connections when it lifts its database's", async () => {
      const session = await connect(mine);
      const { rows } = await session.query(
        "select rolconnlimit, datconnlimit from pg_roles, pg_database where rolname = current_user and datname = current_database()",
      );
      const { rolconnlimit, datconnlimit } = rows[0] as { [name: string]: number };
      await session.query(`alter database ${mine.database} connection limit -1`);
      await session.query(`alter database ${mine.database} connection limit ${datconnlimit}`);
      await session.end();
      expect(datconnlimit).toBeGreaterThan(0);
      expect(rolconnlimit).toBe(datconnlimit);
    });

    test("leaves Cairn the connections that it needs, however many it opens", async () => {
      const { superuser, payments } = stage();
      const limit = async (most: number) => {
        await superuser.query(`alter role ${mine.user} connection limit ${most}`);
        await superuser.query(`alter database ${mine.database} connection limit ${most}`);
      };
      // As if the team had as many databases as it takes.
      await limit(-1);
      const sessions: pg.Client[] = [];
      const takeAll = async () => {
        while (sessions.length < 500) sessions.push(await connect(mine));
      };
      try {
        await expect(takeAll()).rejects.toThrow(/remaining connection slots are reserved/);
        // What Cairn has open lasts no longer than half a minute without work, and is taken as well.
        await superuser.query("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'cairn\\_%'");
        await expect(takeAll()).rejects.toThrow(/remaining connection slots are reserved/);
        await expect.poll(async () => (await payments.viewer("GET", "/v1/resources")).status).toBe(200);
      } finally {
        await Promise.all(sessions.map((session) => session.end()));
        await limit(20);
      }
    });

    test.each(["cairn", "cairn_tenants", "another team's"])(
      "does not reach %s through the Data API with its secret",
      async (name) => {
        const database = name === "another team's" ? theirs.database : name;
        await expect(statement(stage(), mine.arn, database, "select 1")).rejects.toThrow(/permission denied/);
      },
    );
  });

  describe("the home", () => {
    test("is closed to other users, and so is each file that holds a secret", async () => {
      const home = stage().home;
      expect((await stat(home)).mode & 0o777).toBe(0o700);
      for (const file of ["endpoints.json", "issuer-key.json", "cloud/cloud.sqlite", "postgres/superuser-password"]) {
        const { mode } = await stat(join(home, file)).catch(() => ({ mode: 0o600 }));
        expect([file, (mode & 0o077).toString(8)]).toEqual([file, "0"]);
      }
      for (const file of ["endpoints.json", "issuer-key.json", "cloud/cloud.sqlite"])
        expect((await stat(join(home, file))).isFile()).toBe(true);
    });
  });
}

async function loginOf(stage: Stage, side: Side): Promise<Login> {
  const { host, port, database, username, secretArn } = (side.resources.get("db")?.outputs ?? {}) as {
    [key: string]: string;
  };
  const { arn, password } = await secretOf(stage, secretArn ?? "");
  return { arn, host: host ?? "", port: Number(port), database: database ?? "", user: username ?? "", password };
}

async function connect({ arn: _, ...login }: Login): Promise<pg.Client> {
  const client = new pg.Client(login);
  // A session that another test tries to end must not end this process.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
