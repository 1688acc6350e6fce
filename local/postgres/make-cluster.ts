import { execFile } from "node:child_process";
import { chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { HomeError } from "../home/home-error.ts";
import { dataArgument, postgresAccount, serverEnvironment } from "./account.ts";

const majorVersion = "17";
const secretsPrefix = "cairn-initdb-";

/**
 * Makes the cluster where there is none. It is built beside its place and put there by one rename, so that a start which
 * was killed half-way leaves nothing that a later one would take for a cluster.
 *
 * @throws {HomeError} when the data is of another Postgres version
 */
export async function makeCluster(
  binaries: string,
  dataFolder: string,
  { superuserPassword, durable }: { superuserPassword: string; durable: boolean },
): Promise<void> {
  const found = await readFile(join(dataFolder, "PG_VERSION"), "utf8").catch(() => undefined);
  if (found?.trim() === majorVersion) return;
  if (found !== undefined) {
    throw new HomeError(
      `the database in ${dataFolder} is of Postgres ${found.trim()} and this version runs ${majorVersion}: start with another CAIRN_HOME, or dump it with the version that made it`,
    );
  }
  const building = `${dataFolder}.new`;
  await rm(building, { recursive: true, force: true });
  await makeFolder(building);
  await withPasswordFile(`${dataFolder}.password-in`, superuserPassword, (file) =>
    initialise(binaries, building, file, durable),
  );
  await rename(building, dataFolder);
}

async function makeFolder(folder: string): Promise<void> {
  const account = postgresAccount();
  await mkdir(folder, { mode: 0o700 });
  if (account) await chown(folder, account.uid, account.gid);
}

/**
 * initdb reads the password from a file, because an argument would show in the process list, and as the server's account, which
 * may not reach into the home: so for a second it lies outside. `note` says where, and a start after one that was killed in that
 * second removes it.
 */
async function withPasswordFile(note: string, password: string, use: (file: string) => Promise<void>): Promise<void> {
  const left = await readFile(note, "utf8").catch(() => undefined);
  if (left !== undefined && basename(left).startsWith(secretsPrefix)) await rm(left, { recursive: true, force: true });
  const folder = await mkdtemp(join(tmpdir(), secretsPrefix));
  await writeFile(note, folder, { mode: 0o600 });
  try {
    const account = postgresAccount();
    const file = join(folder, "password");
    await writeFile(file, password, { mode: 0o600 });
    if (account) {
      await chown(file, account.uid, account.gid);
      await chown(folder, account.uid, account.gid);
    }
    await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(note, { force: true });
  }
}

/** The built-in C.UTF-8 locale sorts by code point on every machine; libc's locales differ between machines. */
async function initialise(binaries: string, folder: string, password: string, durable: boolean): Promise<void> {
  const options = [
    ...["--username=postgres", `--pwfile=${password}`, "--auth=scram-sha-256"],
    ...["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
    ...(durable ? [] : ["--no-sync"]),
  ];
  try {
    await promisify(execFile)(join(binaries, "bin", "initdb"), ["-D", dataArgument(folder), ...options], {
      cwd: folder,
      ...serverEnvironment,
      ...postgresAccount(),
    });
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    const complaint = stderr.split("\n").find((line) => /error|fatal|could not/i.test(line)) ?? message;
    throw new HomeError(`Postgres could not make its database in ${folder}: ${complaint.trim()}`, { cause: error });
  }
}
