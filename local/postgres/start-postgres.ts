import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { explainFileError, HomeError } from "../home/home-error.ts";
import { findBinaries } from "./binaries.ts";
import { makeCluster } from "./make-cluster.ts";
import { findPort, isFree } from "./port.ts";
import { launch, type Postmaster, PostmasterError, stop, stopOrphan } from "./postmaster.ts";

export type Postgres = {
  /** `postgres://postgres:…@127.0.0.1:PORT/postgres`: never leaves this machine's own files of mode 600. */
  superuserUrl: string;
  host: "127.0.0.1";
  port: number;
  /** The server's pid, `undefined` while it is being restarted. */
  pid(): number | undefined;
  stop(): Promise<void>;
};

export type PostgresOptions = {
  /** The data folder; Postgres lives in its `postgres`. Whoever calls holds the home's lock: a server found there is an orphan. */
  home: string;
  log: (line: string) => void;
  /** Server settings on top of ours, for tests. */
  settings?: { [name: string]: string };
};

/**
 * Starts the embedded Postgres of this home, making its cluster the first time (1.5 s), and keeps it running: a server
 * that dies is restarted, at first at once and then at most every 10 s.
 *
 * @throws {HomeError} with one line that says what to do
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  try {
    return await start(options);
  } catch (error) {
    throw explainFileError(error, options.home);
  }
}

async function start({ home, log, settings = {} }: PostgresOptions): Promise<Postgres> {
  const folder = join(home, "postgres");
  const dataFolder = join(folder, "data");
  const logFile = join(folder, "server.log");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const binaries = await findBinaries(folder);
  const password = await keep(join(folder, "superuser-password"), () => randomBytes(24).toString("base64url"));
  await makeCluster(binaries, dataFolder, { superuserPassword: password, durable: settings.fsync !== "off" });
  const orphan = await stopOrphan(dataFolder);
  if (orphan) log(`stopped the Postgres server that an earlier run left behind (pid ${orphan})`);
  const port = await portOf(folder);
  await truncateLog(logFile);

  const launchServer = () => launch({ binaries, dataFolder, logFile, port, overrides: settings });
  let server: Postmaster | undefined = await firstLaunch(launchServer, port, logFile);
  let stopping = false;
  const stopSignal = new AbortController();

  const supervise = async (): Promise<void> => {
    for (let delay = 100; !stopping; ) {
      const startedAt = Date.now();
      const code = server ? await server.exited : undefined;
      if (stopping) return;
      if (server) log(`Postgres died (exit code ${code}); starting it again`);
      server = undefined;
      delay = Date.now() - startedAt > 60_000 ? 100 : Math.min(delay * 2, 10_000);
      await sleep(delay, undefined, { signal: stopSignal.signal }).catch(() => undefined);
      if (stopping) return;
      try {
        await stopOrphan(dataFolder);
        server = await launchServer();
        log("Postgres is back");
      } catch (error) {
        log(`Postgres did not start: ${(error as Error).message}`);
      }
    }
  };
  const supervised = supervise();

  return {
    superuserUrl: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    host: "127.0.0.1",
    port,
    pid: () => server?.pid,
    async stop() {
      stopping = true;
      stopSignal.abort();
      if (server) await stop(server.pid);
      await supervised;
      if (server) await stop(server.pid);
    },
  };
}

/**
 * The first start of a run. Backends of a server that was killed notice only after some milliseconds, and until then
 * Postgres refuses with "pre-existing shared memory block", so that refusal is worth a few seconds.
 */
async function firstLaunch(start: () => Promise<Postmaster>, port: number, logFile: string): Promise<Postmaster> {
  for (let waited = 0; ; waited += 200) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PostmasterError)) throw error;
      if (/address already in use|could not bind/i.test(error.message)) throw portTaken(port, error);
      if (waited >= 10_000 || !/shared memory block/i.test(error.message)) {
        throw new HomeError(`Postgres did not start: ${error.message} (more in ${logFile})`, { cause: error });
      }
      await sleep(200);
    }
  }
}

/** Chosen once and kept, because outputs hold it. A killed server's backends hold it for a moment longer. */
async function portOf(folder: string): Promise<number> {
  const port = Number(await keep(join(folder, "port"), async () => String(await findPort())));
  for (let waited = 0; !(await isFree(port)); waited += 100) {
    if (waited >= 3000) throw portTaken(port);
    await sleep(100);
  }
  return port;
}

function portTaken(port: number, cause?: unknown): HomeError {
  return new HomeError(
    `port ${port}, which this home's Postgres was given, is used by another program: stop that program, or start with another CAIRN_HOME`,
    { cause },
  );
}

/** The file's content, written by the first start. The rename makes it whole or absent. */
async function keep(file: string, make: () => string | Promise<string>): Promise<string> {
  const kept = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (kept) return kept.trim();
  const made = await make();
  await writeFile(`${file}.new`, `${made}\n`, { mode: 0o600, flush: true });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
  return made;
}

/** Keeps the server's log from growing for ever; 10 MB is far more than a look at the last trouble needs. */
async function truncateLog(logFile: string): Promise<void> {
  const log = await readFile(logFile).catch(() => undefined);
  if (log && log.length > 10_000_000) await truncate(logFile);
}
