import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { alive, startOf } from "../../local/home/processes.ts";
import { servesFolder } from "../../local/postgres/serves-folder.ts";
import type { Endpoints } from "../../local/start-machine.ts";
import { killAtOnce, signalled, treeOf } from "./process-tree.ts";

export type Cairn = ReturnType<typeof createCairn>;

/** It did not come up, or did not go down, by itself. */
export class StuckProcess extends Error {
  override readonly name = "StuckProcess";
}

type Options = {
  home: string;
  port: number;
  environment?: { [name: string]: string };
  /** Where what it prints is kept, over all its lives. */
  log: string;
};

const repository = fileURLToPath(new URL("../../", import.meta.url));
/** A shared machine of two busy cores has taken 10 s. */
const upWithinMs = 120_000;
const downWithinMs = 30_000;

/** `npm start` on one home, over all its lives: npm, the node that it runs, and the Postgres that this starts. */
export function createCairn({ home, port, environment = {}, log }: Options) {
  const api = `http://127.0.0.1:${port}`;
  let npm: { child: ChildProcess; ended: Promise<void> } | undefined;
  let main: { pid: number; start: string | undefined } | undefined;
  let endpoints: Endpoints | undefined;

  const npmPid = () =>
    npm !== undefined && npm.child.exitCode === null && npm.child.signalCode === null ? npm.child.pid : undefined;
  const mainPid = async () =>
    main !== undefined && alive(main.pid) && (await startOf(main.pid)) === main.start ? main.pid : undefined;

  /** A pid is only ever signalled when it is known to be of this home: it may be another process's by now. */
  async function postmaster(): Promise<number | undefined> {
    const folder = join(home, "postgres", "data");
    const file = join(folder, "postmaster.pid");
    const pid = existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : 0;
    return pid > 0 && (await servesFolder(pid, folder)) ? pid : undefined;
  }

  async function everything(): Promise<number[]> {
    const roots = [npmPid(), await mainPid(), await postmaster()].filter((pid) => pid !== undefined);
    return [...new Set(roots.flatMap(treeOf))];
  }

  async function untilGone(): Promise<void> {
    await npm?.ended;
    for (const until = Date.now() + downWithinMs; (await mainPid()) !== undefined; await sleep(50)) {
      if (Date.now() > until) throw new StuckProcess(`it does not stop: its process ${main?.pid} lives`);
    }
  }

  const cairn = {
    api,
    home,
    /** Those of the last life that became ready. */
    endpoints(): Endpoints {
      if (endpoints === undefined) throw new Error("it has not been up yet");
      return endpoints;
    },
    postmaster,

    /** Runs `npm start`, in a process group of its own as a terminal would. */
    begin(): void {
      appendFileSync(log, `\n=== ${new Date().toISOString()} npm start\n`);
      const child = spawn("npm", ["start"], {
        cwd: repository,
        env: {
          ...process.env,
          CAIRN_HOME: home,
          CAIRN_EXAMPLE: "off",
          PORT: String(port),
          NODE_OPTIONS: "",
          ...environment,
        },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => appendFileSync(log, chunk));
      npm = { child, ended: new Promise((resolve) => child.once("close", () => resolve())) };
    },

    /** @throws {StuckProcess} when it ends or is not up in time */
    async ready(): Promise<void> {
      for (const until = Date.now() + upWithinMs; !(await healthy(api)); await sleep(30)) {
        if (npmPid() === undefined) throw new StuckProcess(`npm start ended: ${lastLines(log)}`);
        if (Date.now() > until)
          throw new StuckProcess(`npm start is not up after ${upWithinMs / 1000} s: ${lastLines(log)}`);
      }
      endpoints = JSON.parse(readFileSync(join(home, "endpoints.json"), "utf8")) as Endpoints;
      main = { pid: endpoints.pid, start: await startOf(endpoints.pid) };
    },

    /** @returns how many seconds it took until it was ready */
    async start(): Promise<number> {
      const began = performance.now();
      cairn.begin();
      await cairn.ready();
      return (performance.now() - began) / 1000;
    },

    /** SIGKILL for all of it at one moment. */
    async killAll(): Promise<void> {
      const group = npmPid();
      killAtOnce(await everything());
      // What npm started while its descendants were being listed has no parent now, and is still of its group.
      if (group !== undefined) signalled(-group, "SIGKILL");
      await untilGone();
    },

    /** SIGKILL for the node process that npm runs: Postgres is left without a parent. */
    async killMain(): Promise<void> {
      const pid = await mainPid();
      if (pid !== undefined) signalled(pid, "SIGKILL");
      await untilGone();
    },

    /** SIGKILL for npm: what it ran notices and stops. */
    async killNpm(): Promise<void> {
      const pid = npmPid();
      if (pid !== undefined) signalled(pid, "SIGKILL");
      await untilGone();
    },

    /** Ctrl-C, as the terminal sends it to the whole group. */
    interrupt(): void {
      const pid = npmPid();
      if (pid !== undefined) signalled(-pid, "SIGINT");
    },

    /** Ctrl-C, and waits. */
    async stop(): Promise<void> {
      cairn.interrupt();
      await untilGone();
    },

    /**
     * Stops Postgres alone, as an operator's "immediate" (SIGQUIT) or a crash (SIGKILL).
     *
     * @returns the pid that is gone now
     */
    async stopPostgres(signal: "SIGQUIT" | "SIGKILL"): Promise<number> {
      const until = Date.now() + upWithinMs;
      let pid: number | undefined;
      // It may be on its way back from the last time.
      while (pid === undefined) {
        pid = await postmaster();
        if (Date.now() > until) throw new StuckProcess("it does not start its Postgres again");
        if (pid === undefined) await sleep(50);
      }
      signalled(pid, signal);
      for (; alive(pid); await sleep(5))
        if (Date.now() > until) throw new StuckProcess(`Postgres (pid ${pid}) does not stop at ${signal}`);
      return pid;
    },
  };
  return cairn;
}

async function healthy(api: string): Promise<boolean> {
  try {
    return (await fetch(`${api}/healthz`, { signal: AbortSignal.timeout(5000) })).status === 200;
  } catch {
    return false;
  }
}

function lastLines(log: string): string {
  return readFileSync(log, "utf8").trim().split("\n").slice(-8).join("\n");
}
