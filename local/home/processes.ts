import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * Whether a process lives. One that we may not signal lives too; one that ended and was not yet waited for does not: in a
 * container whose first process waits for nobody, it stays in the table for ever.
 */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    if (process.platform === "linux") return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    if (process.platform === "win32") return false;
    return execFileSync("ps", ["-p", String(pid), "-o", "stat="], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return false;
  }
}

/**
 * When a process began, in a form that no other process with the same pid shares: a pid is used again after a reboot or in
 * a busy container. `undefined` where the system does not tell.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === "linux") {
      const [stat, boot] = await Promise.all([
        readFile(`/proc/${pid}/stat`, "utf8"),
        readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      ]);
      // Field 22, counted behind the command in brackets, which may itself hold spaces and brackets.
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      return `${boot.trim()} ${ticks}`;
    }
    if (process.platform === "win32") return undefined;
    const { stdout } = await promisify(execFile)("ps", ["-p", String(pid), "-o", "lstart="]);
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}
