import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type AppOptions, accountId, type Outputs, region } from "./place.ts";

export type CdkOptions = {
  folder: string;
  /** Of the emulator. */
  endpoint: string;
  certificateFile: string;
  /** An administrator's. The root user would not do: AWS lets it take on no role, and neither does MiniStack. */
  credentials: { accessKeyId: string; secretAccessKey: string };
};

const cli = fileURLToPath(new URL("../../node_modules/aws-cdk/bin/cdk", import.meta.url));
const app = fileURLToPath(new URL("./app.ts", import.meta.url));
/** A custom resource whose function crashes would keep it waiting for an hour. */
const wallMs = 4 * 60_000;

/** The CDK's own command, with the synthesizer and the roles that `cdk bootstrap` makes. */
export function cdkIn({ folder, endpoint, certificateFile, credentials }: CdkOptions) {
  const outputs = join(folder, "outputs.json");
  const environment = {
    PATH: process.env.PATH,
    HOME: folder,
    CI: "true",
    NO_COLOR: "1",
    CDK_DISABLE_CLI_TELEMETRY: "true",
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_CA_BUNDLE: certificateFile,
    NODE_EXTRA_CA_CERTS: certificateFile,
  };
  const cdk = (...parameters: string[]) => run(folder, environment, [cli, ...parameters]);
  const deployment = (assembly: string) => {
    const rest = ["--require-approval", "never", "--outputs-file", outputs];
    return ["deploy", "--all", "--app", assembly, ...rest];
  };
  return {
    bootstrap: () => cdk("bootstrap", `aws://${accountId}/${region}`),
    /** The app's assembly: its folder. */
    synthesize: async (options: AppOptions): Promise<string> => {
      const assembly = mkdtempSync(join(folder, "assembly "));
      const asked = { ...environment, CDK_OUTDIR: assembly, CAIRN_DEPLOY: JSON.stringify(options) };
      await run(folder, asked, ["--disable-warning=ExperimentalWarning", app]);
      return assembly;
    },
    /** All of it; what it printed, and the stacks' outputs. */
    deploy: async (assembly: string): Promise<{ printed: string; outputs: Outputs }> => {
      const printed = await cdk(...deployment(assembly));
      return { printed, outputs: JSON.parse(readFileSync(outputs, "utf8")) as Outputs };
    },
    /** A deployment that is killed where what it has printed, or something else, says so. */
    interrupt: async (assembly: string, there: (printed: string) => boolean | Promise<boolean>): Promise<void> => {
      const { child, printed, ended } = start(folder, environment, [cli, ...deployment(assembly)]);
      const end = ended.catch((error: Error) => error);
      const running = () => child.exitCode === null && child.signalCode === null;
      while (running() && !(await there(printed()))) await sleep(50);
      if (!running()) throw new Error("the deployment never got there", { cause: await end });
      child.kill("SIGKILL");
      await end;
    },
    destroy: (assembly: string) => cdk("destroy", "--all", "--force", "--app", assembly),
  };
}

function run(cwd: string, env: NodeJS.ProcessEnv, parameters: string[]): Promise<string> {
  return start(cwd, env, parameters).ended;
}

function start(cwd: string, env: NodeJS.ProcessEnv, parameters: string[]) {
  const child = spawn(process.execPath, parameters, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const chunks: string[] = [];
  const printed = () => chunks.join("");
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => chunks.push(String(chunk)));
  const late = setTimeout(() => child.kill("SIGKILL"), wallMs);
  const ended = new Promise<string>((resolve, reject) => {
    child.once("close", (code, signal) => {
      clearTimeout(late);
      if (code === 0) resolve(printed());
      else reject(new Error(`${parameters.join(" ")} ended with ${code ?? signal}:\n${printed().slice(-4000)}`));
    });
  });
  return { child, printed, ended };
}
