import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Endpoints } from "../../local/start-machine.ts";

const entry = fileURLToPath(new URL("../../local/main.ts", import.meta.url));
const repository = fileURLToPath(new URL("../../", import.meta.url));

export type Running = {
  process: ChildProcess;
  endpoints: Endpoints;
  /** What it has printed so far. */
  output(): string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
};

/** What `npm start` runs, in a process of its own, once `/healthz` answers 200. */
export async function startProcess(home: string, environment: { [name: string]: string } = {}): Promise<Running> {
  const running = launch(home, environment);
  const file = join(home, "endpoints.json");
  for (const until = Date.now() + 60_000; ; ) {
    if (running.process.exitCode !== null)
      throw new Error(`it ended with ${running.process.exitCode}: ${running.output()}`);
    if (Date.now() > until) throw new Error(`it is not ready after a minute: ${running.output()}`);
    const endpoints = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Endpoints) : undefined;
    if (endpoints?.pid === running.process.pid && endpoints !== undefined && (await healthy(endpoints.api)))
      return { ...running, endpoints };
    await sleep(100);
  }
}

/** The same, without waiting for it to be ready. */
export function launch(home: string, environment: { [name: string]: string } = {}): Omit<Running, "endpoints"> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", entry], {
    cwd: repository,
    env: { ...process.env, CAIRN_HOME: home, CAIRN_EXAMPLE: "off", NODE_OPTIONS: "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed: string[] = [];
  child.stdout?.on("data", (chunk) => printed.push(String(chunk)));
  child.stderr?.on("data", (chunk) => printed.push(String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return { process: child, output: () => printed.join(""), ended };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function healthy(api: string): Promise<boolean> {
  try {
    return (await fetch(`${api}/healthz`, { signal: AbortSignal.timeout(5000) })).status === 200;
  } catch {
    return false;
  }
}
