import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Certificate } from "./certificate.ts";
import { accountId, region, root } from "./place.ts";

export type MiniStack = { url: string; close(): Promise<void> };

export type MiniStackOptions = {
  python: string;
  /** Where it keeps everything, its functions too. */
  folder: string;
  port: number;
  certificate: Certificate;
  dataApi: string;
  cloudControl: string;
};

const script = fileURLToPath(new URL("./run_ministack.py", import.meta.url));
const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** MiniStack with IAM enforced, in a process and a folder of its own. */
export async function startMiniStack(options: MiniStackOptions): Promise<MiniStack> {
  const { folder, port } = options;
  for (const name of ["s3", "state"]) mkdirSync(join(folder, name), { recursive: true });
  // Its worker for Node is CommonJS, and finds the SDK that Lambda has beside it above its own folder.
  writeFileSync(join(folder, "package.json"), '{"type":"commonjs"}');
  symlinkSync(nodeModules, join(folder, "node_modules"));
  const log = join(folder, "log");
  const output = openSync(log, "a");
  const child = spawn(options.python, [script], { env: environment(options), stdio: ["pipe", output, output] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async (): Promise<void> => {
    child.stdin?.destroy();
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
    closeSync(output);
  };
  const url = `https://127.0.0.1:${port}`;
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
  for (const until = Date.now() + 60_000; ; ) {
    if (child.exitCode !== null) throw new Error(`MiniStack ended with ${child.exitCode}`);
    if (Date.now() > until) throw new Error("MiniStack is not ready after a minute");
    const asked = fetch(`${url}/_ministack/health`, { signal: AbortSignal.timeout(5000) });
    if ((await asked.catch(() => undefined))?.ok) return;
    await sleep(200);
  }
}

function environment({ folder, port, certificate, dataApi, cloudControl }: MiniStackOptions): NodeJS.ProcessEnv {
  return {
    // The first Node on it runs every function.
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    TMPDIR: folder,
    S3_DATA_DIR: join(folder, "s3"),
    STATE_DIR: join(folder, "state"),
    AUTH: "true",
    BIND_HOST: "127.0.0.1",
    GATEWAY_PORT: String(port),
    MINISTACK_REGION: region,
    MINISTACK_ACCOUNT_ID: accountId,
    IOT_MTLS_ENABLED: "0", // else it listens on every address as well
    USE_SSL: "1",
    MINISTACK_SSL_CERT: certificate.certificateFile,
    MINISTACK_SSL_KEY: certificate.keyFile,
    SSL_CERT_FILE: certificate.certificateFile,
    NODE_EXTRA_CA_CERTS: certificate.certificateFile, // its functions inherit it
    CAIRN_RDS_DATA: dataApi,
    CAIRN_CLOUD_CONTROL: cloudControl,
    AWS_ACCESS_KEY_ID: root.accessKeyId,
    AWS_SECRET_ACCESS_KEY: root.secretAccessKey,
  };
}
