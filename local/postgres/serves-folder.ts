import { execFile } from "node:child_process";
import { readFile, readlink, realpath } from "node:fs/promises";
import { promisify } from "node:util";
import { alive } from "../home/processes.ts";

/**
 * Whether a process is a Postgres server on this data folder, and not something that got its pid later: a pid is used
 * again after a reboot or in a busy container.
 */
export async function servesFolder(pid: number, dataFolder: string): Promise<boolean> {
  if (!alive(pid)) return false;
  try {
    if (process.platform === "linux") {
      const command = await readFile(`/proc/${pid}/comm`, "utf8");
      return command.trim() === "postgres" && (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataFolder));
    }
    if (process.platform === "win32") return true;
    const { stdout } = await promisify(execFile)("ps", ["-p", String(pid), "-o", "command="]);
    return stdout.includes("postgres") && stdout.includes(dataFolder);
  } catch {
    return false;
  }
}
