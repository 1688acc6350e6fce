import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { alive } from "../../local/home/processes.ts";
import type { Endpoints } from "../../local/start-machine.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

const endings: { signal: NodeJS.Signals; moment: "ready" | "starting"; reason: string }[] = [
  { signal: "SIGINT", moment: "ready", reason: "what Ctrl-C sends, to npm alone" },
  { signal: "SIGTERM", moment: "starting", reason: "a supervisor that changed its mind" },
  { signal: "SIGHUP", moment: "ready", reason: "a terminal that was closed" },
  { signal: "SIGKILL", moment: "ready", reason: "npm cannot pass this one on" },
];

test.each(endings)(
  "$signal to `npm start` when $moment ends all of it: $reason",
  async ({ signal, moment }) => {
    const folder = await mkdtemp(join(tmpdir(), "cairn signals "));
    const home = join(folder, "home");
    const endpoints = join(home, "endpoints.json");
    const postmaster = join(home, "postgres", "data", "postmaster.pid");
    const npm = spawn("npm", ["start"], {
      cwd: repository,
      env: { ...process.env, CAIRN_HOME: home, PORT: "0", CAIRN_EXAMPLE: "off", NODE_OPTIONS: "" },
      stdio: "ignore",
    });
    try {
      const awaited = moment === "ready" ? endpoints : postmaster;
      await expect.poll(() => existsSync(awaited), { timeout: 60_000, interval: 20 }).toBe(true);
      const server = Number(readFileSync(postmaster, "utf8").split("\n", 1)[0]);
      const pid = moment === "ready" ? (JSON.parse(readFileSync(endpoints, "utf8")) as Endpoints).pid : undefined;
      const ended = once(npm, "exit");
      npm.kill(signal);
      await ended;
      await expect.poll(() => pid !== undefined && alive(pid), { timeout: 20_000 }).toBe(false);
      await expect.poll(() => alive(server), { timeout: 20_000 }).toBe(false);
      await expect.poll(() => existsSync(join(home, "lock")), { timeout: 20_000 }).toBe(false);
    } finally {
      if (npm.exitCode === null && npm.signalCode === null) npm.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    }
  },
  90_000,
);
