import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { alive } from "../home/processes.ts";
import { dataArgument, postgresAccount, serverEnvironment } from "./account.ts";
import { servesFolder } from "./serves-folder.ts";

export type Postmaster = { pid: number; exited: Promise<number | null> };

/** Small, durable (fsync stays on), and reachable from this machine only. */
const settings: { [name: string]: string } = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "300",
  // Five roles of Cairn's with a pool of twenty each: tenants, however many, leave them these.
  reserved_connections: "100",
  shared_buffers: "64MB",
  max_wal_size: "256MB",
  // One server and no replica: Postgres then writes less WAL.
  wal_level: "minimal",
  max_wal_senders: "0",
  // As on Aurora, whatever this machine's zone is.
  timezone: "UTC",
  log_timezone: "UTC",
  // Statements and error messages quote values, and a value may be a secret: the log gets neither (law 8).
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
};

/** Why a server did not come up: `line` is its own last complaint. */
export class PostmasterError extends Error {
  override readonly name = "PostmasterError";
}

/**
 * Launches the server and returns when it accepts connections. It is a process group of its own, so that a terminal's
 * Ctrl-C reaches us alone and we decide the order of stopping. It writes to a file, because a pipe to a killed parent
 * would break it.
 */
export async function launch(options: {
  binaries: string;
  dataFolder: string;
  logFile: string;
  port: number;
  overrides: { [name: string]: string };
}): Promise<Postmaster> {
  const all = { ...settings, ...options.overrides, port: String(options.port) };
  const log = await open(options.logFile, "a", 0o600);
  const { size: logStart } = await log.stat();
  try {
    const child = spawn(
      join(options.binaries, "bin", "postgres"),
      [
        "-D",
        dataArgument(options.dataFolder),
        ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      {
        cwd: options.dataFolder,
        stdio: ["ignore", log.fd, log.fd],
        detached: true,
        ...serverEnvironment,
        ...postgresAccount(),
      },
    );
    const exited = exitOf(child);
    await untilReady(child, exited, options.dataFolder, async () => lastComplaint(options.logFile, logStart));
    return { pid: child.pid ?? 0, exited };
  } finally {
    await log.close();
  }
}

/** SIGINT disconnects everybody and writes a checkpoint; SIGQUIT leaves recovery to the next start. */
export async function stop(pid: number): Promise<void> {
  for (const [signal, seconds] of [
    ["SIGINT", 15],
    ["SIGQUIT", 5],
    ["SIGKILL", 5],
  ] as const) {
    if (!signalled(pid, signal)) return;
    for (let waited = 0; waited < seconds * 1000; waited += 20) {
      if (!alive(pid)) return;
      await sleep(20);
    }
  }
}

/**
 * Clears the way for a start: a server whose parent was killed is stopped, and a `postmaster.pid` that names a process
 * which is no Postgres of ours is removed (Postgres itself would take a reused pid for a running server and refuse).
 *
 * @returns the pid of the server that was stopped
 */
export async function stopOrphan(dataFolder: string): Promise<number | undefined> {
  const pid = Number((await pidFile(dataFolder))[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const ours = await servesFolder(pid, dataFolder);
  if (ours) await stop(pid);
  // One that was killed leaves the file, and as long as nobody has reaped it Postgres takes it for a running server.
  await rm(join(dataFolder, "postmaster.pid"), { force: true });
  return ours ? pid : undefined;
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    child.once("exit", (code) => done(code));
    child.once("error", () => done(null));
  });
}

async function untilReady(
  child: ChildProcess,
  exited: Promise<number | null>,
  dataFolder: string,
  complaint: () => Promise<string>,
): Promise<void> {
  let gone = false;
  let reason: Error | undefined;
  child.once("error", (error) => {
    reason = error;
  });
  void exited.then(() => {
    gone = true;
  });
  // Recovery after a crash can take a while; a minute without an answer is a fault.
  for (let waited = 0; waited < 60_000; waited += 20) {
    if (gone) throw new PostmasterError(reason?.message ?? (await complaint()));
    // The file that pg_ctl reads: line 1 is the pid, line 8 the state.
    const lines = await pidFile(dataFolder);
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === "ready") return;
    await sleep(20);
  }
  child.kill("SIGQUIT");
  throw new PostmasterError(`not ready after a minute: ${await complaint()}`);
}

async function pidFile(dataFolder: string): Promise<string[]> {
  try {
    return (await readFile(join(dataFolder, "postmaster.pid"), "utf8")).split("\n");
  } catch {
    return [];
  }
}

async function lastComplaint(logFile: string, from: number): Promise<string> {
  const lines = (await readFile(logFile)).subarray(from).toString("utf8").trim().split("\n");
  const complaint = lines.find((line) => /could not bind/.test(line)) ?? lines.find((line) => /FATAL|PANIC/.test(line));
  return (complaint ?? lines.at(-1) ?? "").trim();
}
