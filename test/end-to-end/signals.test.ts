import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Endpoints } from "../../local/start-machine.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

test.each([
  ["SIGINT", "what Ctrl-C sends, to npm alone"],
  ["SIGTERM", "what a supervisor sends"],
  ["SIGKILL", "npm cannot pass this one on"],
] as const)(
  "%s to `npm start` ends all of it (%s)",
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), "cairn signals "));
    const file = join(folder, "home", "endpoints.json");
    const npm = spawn("npm", ["start"], {
      cwd: repository,
      env: { ...process.env, CAIRN_HOME: join(folder, "home"), PORT: "0", CAIRN_EXAMPLE: "off", NODE_OPTIONS: "" },
      stdio: "ignore",
    });
    try {
      await expect.poll(() => existsSync(file), { timeout: 60_000 }).toBe(true);
      const { pid, postgres } = JSON.parse(readFileSync(file, "utf8")) as Endpoints;
      const ended = once(npm, "exit");
      npm.kill(signal);
      await ended;
      await expect.poll(() => alive(pid), { timeout: 20_000 }).toBe(false);
      await expect(fetch(`http://127.0.0.1:${new URL(postgres).port}`)).rejects.toThrow();
    } finally {
      if (npm.exitCode === null) npm.kill("SIGKILL");
      await sleep(100);
      await rm(folder, { recursive: true, force: true });
    }
  },
  90_000,
);

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
