import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/npm-start.ts";

export type LocalStack = { url: string; close(): Promise<void> };

const script = fileURLToPath(new URL("./run_localstack.py", import.meta.url));

/** LocalStack in a process and a folder of its own, which reaches nothing but this machine; its functions run at `lambdaUrl`. */
export async function startLocalStack(python: string, lambdaUrl: string): Promise<LocalStack> {
  const folder = mkdtempSync(join(tmpdir(), "cairn localstack "));
  const log = join(folder, "log");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const output = openSync(log, "a");
  const child = spawn(python, [script], {
    env: environment(folder, port, lambdaUrl),
    stdio: ["pipe", output, output],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async (): Promise<void> => {
    child.stdin?.destroy();
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(url, child);
  } catch (error) {
    const lines = readFileSync(log, "utf8").trim().split("\n").slice(-20).join("\n");
    await close();
    throw new Error(`${(error as Error).message}\n${lines}`, { cause: error });
  }
  return { url, close };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + 120_000; ; ) {
    if (child.exitCode !== null) throw new Error(`LocalStack ended with ${child.exitCode}`);
    if (Date.now() > until) throw new Error("LocalStack is not ready after two minutes");
    const answer = await fetch(`${url}/_localstack/health`, { signal: AbortSignal.timeout(5000) }).catch(
      () => undefined,
    );
    if (answer?.ok) return;
    await sleep(200);
  }
}

function environment(folder: string, port: number, lambdaUrl: string): NodeJS.ProcessEnv {
  const address = `127.0.0.1:${port}`;
  const nobody = "http://127.0.0.1:9/v1";
  return {
    PATH: process.env.PATH,
    LAMBDA_ENDPOINT: lambdaUrl,
    GATEWAY_LISTEN: address,
    LOCALSTACK_HOST: address,
    GATEWAY_SERVER: "hypercorn", // the default one listens on every address
    OVERRIDE_IN_DOCKER: "0", // else it writes outside of its folder
    FILESYSTEM_ROOT: folder,
    HOME: folder,
    TMPDIR: folder,
    API_ENDPOINT: nobody,
    ANALYTICS_API: nobody,
    DISABLE_EVENTS: "1",
    SKIP_SSL_CERT_DOWNLOAD: "1",
    SKIP_INFRA_DOWNLOADS: "1",
    DNS_ADDRESS: "0",
    EAGER_SERVICE_LOADING: "0",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_DEFAULT_REGION: "eu-central-1",
  };
}
