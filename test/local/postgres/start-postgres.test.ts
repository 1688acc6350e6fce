import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, expect, test } from "vitest";
import { HomeError } from "../../../local/home/home-error.ts";
import { alive } from "../../../local/home/processes.ts";
import { postgresAccount } from "../../../local/postgres/account.ts";
import { type Postgres, startPostgres } from "../../../local/postgres/start-postgres.ts";

// One home, used by every test in turn, as a machine's home is: making a cluster takes a second.
const home = await mkdtemp(join(tmpdir(), "cairn postgres-"));
const dataFolder = join(home, "postgres", "data");
const log: string[] = [];
let postgres: Postgres | undefined;

async function start(): Promise<Postgres> {
  postgres = await startPostgres({ home, log: (line) => log.push(line) });
  return postgres;
}

afterEach(async () => {
  await postgres?.stop();
  postgres = undefined;
  log.length = 0;
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  client.on("error", () => undefined);
  try {
    return (await client.query({ text: sql, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Another process that starts Postgres on the home and is then killed, as `kill -9` of `npm start` does. */
async function startAndKillParent(): Promise<{ port: number; postmaster: number }> {
  const module = new URL("../../../local/postgres/start-postgres.ts", import.meta.url).href;
  const code = `const { startPostgres } = await import(${JSON.stringify(module)});
    const { port, pid } = await startPostgres({ home: process.argv[1], log: () => {} });
    console.log(JSON.stringify({ port, postmaster: pid() }));`;
  const child = spawn(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "-e",
    code,
    home,
  ]);
  const [output] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGKILL");
  await once(child, "exit");
  return JSON.parse(output.toString());
}

async function freed(pids: number[]): Promise<void> {
  await expect.poll(() => pids.filter(alive), { timeout: 10_000 }).toEqual([]);
}

test("a new home gets a durable server on 127.0.0.1 that asks for a password", async () => {
  const { superuserUrl, port, pid } = await start();
  expect(
    await query(
      superuserUrl,
      "select current_setting(x) from unnest(array['fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses', 'max_connections', 'shared_buffers', 'password_encryption', 'TimeZone']) x",
    ),
  ).toEqual(["on", "on", "on", "127.0.0.1", "300", "64MB", "scram-sha-256", "UTC"]);
  await query(superuserUrl, "create table kept as select 42 as x");
  const guessed = new URL(superuserUrl);
  guessed.password = "postgres";
  await expect(query(guessed.href, "select 1")).rejects.toThrow(/password authentication failed/);
  const secret = join(home, "postgres", "superuser-password");
  expect((await stat(secret)).mode & 0o777).toBe(0o600);
  expect(superuserUrl).toContain((await readFile(secret, "utf8")).trim());
  expect(Number(await readFile(join(home, "postgres", "port"), "utf8"))).toBe(port);
  if (postgresAccount()) expect((await stat(`/proc/${pid()}`)).uid).toBe(65534);
});

test("the server's log quotes no value, since a value may be a secret", async () => {
  const { superuserUrl } = await start();
  await query(superuserUrl, "create table if not exists secrets (x text primary key)");
  await query(superuserUrl, "insert into secrets values ('canary-1')");
  await expect(query(superuserUrl, "insert into secrets values ('canary-1')")).rejects.toThrow(/duplicate key/);
  await expect(query(superuserUrl, "select 'canary-2'::uuid")).rejects.toThrow(/canary-2/);
  await expect(query(superuserUrl, "alter role nobody_here password 'canary-3'")).rejects.toThrow(/does not exist/);
  const text = await readFile(join(home, "postgres", "server.log"), "utf8");
  expect(text).toContain("ready to accept connections");
  expect(text).not.toContain("canary");
});

test("it stops in order, and starts again with the same port, password and data", async () => {
  const first = await start();
  const pid = first.pid() ?? 0;
  await first.stop();
  expect(alive(pid)).toBe(false);
  expect(await readdir(dataFolder)).not.toContain("postmaster.pid");
  const second = await start();
  expect(second.superuserUrl).toBe(first.superuserUrl);
  expect(await query(second.superuserUrl, "select x from kept")).toEqual([42]);
});

test("killed by SIGKILL, the server is started again and has what was committed", async () => {
  const { superuserUrl, pid } = await start();
  await query(superuserUrl, "insert into kept values (43)");
  const killed = pid() ?? 0;
  process.kill(killed, "SIGKILL");
  await expect.poll(() => pid() !== undefined && pid() !== killed, { timeout: 20_000 }).toBe(true);
  expect(await query(superuserUrl, "select x from kept order by x")).toEqual([42, 43]);
  expect(log).toEqual([expect.stringContaining("Postgres died"), "Postgres is back"]);
});

test("a server whose parent was killed does not block the next start", async () => {
  const orphan = await startAndKillParent();
  expect(alive(orphan.postmaster)).toBe(true);
  const { port, superuserUrl } = await start();
  expect(port).toBe(orphan.port);
  expect(alive(orphan.postmaster)).toBe(false);
  expect(log).toEqual([`stopped the Postgres server that an earlier run left behind (pid ${orphan.postmaster})`]);
  expect(await query(superuserUrl, "select count(*)::int from kept")).toEqual([2]);
});

test("after kill -9 of everything the next start recovers", async () => {
  const { postmaster } = await startAndKillParent();
  process.kill(postmaster, "SIGKILL");
  const { superuserUrl } = await start();
  expect(await query(superuserUrl, "select count(*)::int from kept")).toEqual([2]);
});

test("a postmaster.pid whose pid now belongs to another process does not block the start", async () => {
  const account = postgresAccount();
  const other = spawn("sleep", ["60"], { ...account, cwd: "/" });
  const file = join(dataFolder, "postmaster.pid");
  await writeFile(file, `${other.pid}\n${dataFolder}\n0\n1\n\n127.0.0.1\n\nready\n`, { mode: 0o600 });
  if (account) await chown(file, account.uid, account.gid);
  const { superuserUrl } = await start();
  expect(await query(superuserUrl, "select count(*)::int from kept")).toEqual([2]);
  expect(other.exitCode).toBeNull();
  other.kill();
  await freed([other.pid ?? 0]);
});

test("its port taken by another program is one clear line", async () => {
  const port = Number(await readFile(join(home, "postgres", "port"), "utf8"));
  const other = createServer();
  await new Promise<void>((done) => other.listen(port, "127.0.0.1", done));
  const error = await start().catch((thrown: unknown) => thrown);
  other.close();
  expect(error).toBeInstanceOf(HomeError);
  expect((error as Error).message).toBe(
    `port ${port}, which this home's Postgres was given, is used by another program: stop that program, or start with another CAIRN_HOME`,
  );
});

test("a first start that was killed while it made the cluster leaves nothing that counts as one", async () => {
  await rename(dataFolder, `${dataFolder}.aside`);
  await mkdir(`${dataFolder}.new/base`, { recursive: true });
  await writeFile(join(`${dataFolder}.new`, "PG_VERSION"), "17\n");
  const { superuserUrl } = await start();
  expect(await query(superuserUrl, "select to_regclass('kept') is null")).toEqual([true]);
});

test("data of another Postgres version is one clear line", async () => {
  await writeFile(join(dataFolder, "PG_VERSION"), "16\n");
  await chmod(join(dataFolder, "PG_VERSION"), 0o600);
  await expect(start()).rejects.toThrow(/is of Postgres 16 and this version runs 17: /);
});
