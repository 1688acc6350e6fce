import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process and all that it started and that is still its descendant, itself first. */
export function treeOf(pid: number): number[] {
  const children = Map.groupBy(allProcesses(), ({ parent }) => parent);
  const tree = [pid];
  for (const one of tree) tree.push(...(children.get(one) ?? []).map((child) => child.pid));
  return tree;
}

/** As a power cut would: all are stopped first, so that none of them sees another one go and acts on it. */
export function killAtOnce(pids: readonly number[]): void {
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of pids) signalled(pid, signal);
}

/** `false` when there is no such process any more. */
export function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

function allProcesses(): { pid: number; parent: number }[] {
  if (process.platform !== "linux") return fromPs(execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // Field 4, counted behind the command in brackets, which may itself hold spaces and brackets.
        return [{ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) }];
      } catch {
        return [];
      }
    });
}

function fromPs(text: string): { pid: number; parent: number }[] {
  return text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0]) => ({ pid, parent }));
}
