import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { explainFileError, HomeError, notMade } from "./home-error.ts";
import { lockFolder } from "./lock.ts";

/** Of what the home holds. It rises when an older home can no longer be read as it is. */
export const dataVersion = 1;

export type Home = {
  /** Absolute. */
  path: string;
  /** Nothing was in it when it was opened. */
  isNew: boolean;
  /**
   * Replaces a file below the home: whole or not at all, also through a crash, and readable as `mode` says from its first
   * byte on.
   *
   * @throws {HomeError} when the disk is full or may not be written
   */
  writeAtomically(file: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Gives the lock back. */
  close(): Promise<void>;
};

export type HomeOptions = { freeBytes?: (folder: string) => Promise<number> };

/**
 * Opens the data folder for this process alone, making it if it is not there, closed to other users.
 *
 * @throws {HomeError} with one line for: already running, another data version, no room, not writable, not Cairn's
 */
export async function openHome(folder: string, options: HomeOptions = {}): Promise<Home> {
  const path = resolve(folder);
  try {
    await makeFolder(path);
    const version = await checkContent(path);
    if (version !== undefined) await checkOwner(path);
    await checkRoom(path, version === undefined, options.freeBytes ?? freeBytesOf);
    const unlock = await lockFolder(path);
    try {
      await chmod(path, 0o700);
      if (version === undefined) await writeFileAtomically(join(path, "version"), `${dataVersion}\n`, 0o600);
    } catch (error) {
      await unlock();
      throw error;
    }
    return {
      path,
      isNew: version === undefined,
      writeAtomically: (file, content, mode = 0o600) =>
        writeFileAtomically(resolve(path, file), content, mode).catch((error) => {
          throw explainFileError(error, path);
        }),
      close: unlock,
    };
  } catch (error) {
    throw explainFileError(error, path);
  }
}

/** With its parents. Node's own way names ENOENT for a read-only disk, and below /proc it never returns. */
async function makeFolder(path: string): Promise<void> {
  const failed = await tryMakeFolder(path);
  if (failed === undefined || failed.code === "EEXIST") return;
  if (failed.code !== "ENOENT") throw failed;
  await makeFolder(dirname(path));
  const again = await tryMakeFolder(path);
  if (again?.code === "ENOENT") throw new HomeError(notMade(path), { cause: again });
  if (again !== undefined && again.code !== "EEXIST") throw again;
}

function tryMakeFolder(path: string): Promise<NodeJS.ErrnoException | undefined> {
  return mkdir(path, { mode: 0o700 }).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
}

/** @returns the data version, `undefined` for a new home */
async function checkContent(path: string): Promise<number | undefined> {
  const names = await readdir(path);
  if (!names.includes("version")) {
    // A first start that was killed leaves its lock and nothing else. Anything else is somebody's own folder.
    if (names.every((name) => name.startsWith("lock") || name.startsWith(".new-"))) return undefined;
    throw new HomeError(`${path} is not empty and not a Cairn data folder: start with another CAIRN_HOME`);
  }
  const text = (await readFile(join(path, "version"), "utf8")).trim();
  const version = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (version === dataVersion) return version;
  const found = `${path} holds data of version ${text || "unknown"}, and this Cairn reads version ${dataVersion}`;
  if (version > dataVersion) throw new HomeError(`${found}: update Cairn, or start with another CAIRN_HOME`);
  throw new HomeError(`${found}: move the folder away to start empty, or run the Cairn that made it`);
}

/**
 * Root may read and write what others made, but its Postgres runs as nobody and may not, and what it writes is lost to them.
 * Anyone else is stopped by the file system.
 */
async function checkOwner(path: string): Promise<void> {
  const { uid } = await stat(join(path, "version"));
  if (process.getuid?.() !== 0 || uid === 0) return;
  throw new HomeError(`${path} belongs to the user with id ${uid}: start as that user, or with another CAIRN_HOME`);
}

/** A new home takes 60 MB for Postgres and grows; below 32 MB Postgres's next write-ahead file (16 MB) may not fit. */
async function checkRoom(path: string, isNew: boolean, freeBytes: (folder: string) => Promise<number>): Promise<void> {
  const needed = isNew ? 256 : 32;
  const free = Math.floor((await freeBytes(path)) / 1_048_576);
  if (free >= needed) return;
  throw new HomeError(
    `only ${free} MB are free on the disk of ${path}: free at least ${needed} MB, or start with another CAIRN_HOME on another disk`,
  );
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(folder);
  // Some network and container file systems report no size at all.
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
}

async function writeFileAtomically(file: string, content: string | Uint8Array, mode: number): Promise<void> {
  const folder = dirname(file);
  const draft = join(folder, `.new-${randomBytes(8).toString("hex")}`);
  try {
    const handle = await open(draft, "wx", mode);
    try {
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the rename itself survive a power cut. Windows has no such call on folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
