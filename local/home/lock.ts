import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HomeError } from "./home-error.ts";
import { alive, startOf } from "./processes.ts";

/**
 * Takes the folder for this process. The lock is a file that names its holder by pid and start, so that one left behind by
 * `kill -9`, and one whose pid now belongs to something else, is recognised and taken over.
 *
 * @returns how to give it back
 * @throws {HomeError} naming the pid of a holder that lives
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, "lock");
  const mine = `${process.pid}\n${(await startOf(process.pid)) ?? ""}\n${randomBytes(8).toString("hex")}\n`;
  // Linking a finished file is the one step that is both exclusive and never shows a half-written lock.
  const draft = join(folder, `lock.${randomBytes(8).toString("hex")}`);
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    for (let tries = 0; tries < 20; tries += 1) {
      if (await linked(draft, lock)) {
        if (tries > 0) await sleep(50);
        if ((await contentOf(lock)) === mine) return () => release(lock, mine);
      }
      const holder = await contentOf(lock);
      if (holder === undefined) continue;
      await refuseIfHeld(folder, holder);
      await takeAway(lock, holder);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new HomeError(`${folder} is being started by others at the same time: try again`);
}

async function refuseIfHeld(folder: string, holder: string): Promise<void> {
  const [pidText, start = ""] = holder.split("\n");
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || !alive(pid)) return;
  const current = await startOf(pid);
  // Where the system tells no start, a living pid has to count as the holder.
  if (start !== "" && current !== undefined && current !== start) return;
  throw new HomeError(`Cairn is already running on ${folder} (pid ${pid}): stop it, or start with another CAIRN_HOME`);
}

/** Removes a stale lock. If somebody else has replaced it meanwhile, theirs is put back. */
async function takeAway(lock: string, stale: string): Promise<void> {
  const aside = `${lock}.${randomBytes(8).toString("hex")}`;
  try {
    await rename(lock, aside);
  } catch {
    return;
  }
  if ((await contentOf(aside)) !== stale) await linked(aside, lock);
  await rm(aside, { force: true });
}

async function release(lock: string, mine: string): Promise<void> {
  if ((await contentOf(lock)) === mine) await rm(lock, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
