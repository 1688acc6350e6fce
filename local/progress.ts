import type { WriteStream } from "node:tty";

type Line = { name: string; type: string; status: string };

const marks: { [status: string]: string } = { READY: "✔", FAILED: "✘", DELETED: "✔" };
const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Shows statuses as they change: redrawn in place on a terminal, one plain line for each change elsewhere. */
export function createProgress(
  out: Pick<WriteStream, "write"> & { isTTY?: boolean; columns?: number },
  now: () => number = Date.now,
) {
  const startedAt = now();
  const shown = new Map<string, string>();
  let drawn = 0;
  let frame = 0;
  const seconds = () => `${((now() - startedAt) / 1000).toFixed(1)} s`;

  return {
    show(lines: readonly Line[]): void {
      if (out.isTTY === true) {
        if (drawn > 0) out.write(`\x1b[${drawn}A`);
        frame += 1;
      }
      for (const { name, type, status } of lines) {
        const changed = shown.get(name) !== status;
        shown.set(name, status);
        const mark = marks[status] ?? (out.isTTY === true ? (spinner[frame % spinner.length] ?? "") : "…");
        // A line that wraps would be two to go up again.
        const line = `  ${mark} ${name.padEnd(12)} ${type.padEnd(10)} ${status}`.slice(0, (out.columns ?? 80) - 1);
        if (out.isTTY === true) out.write(`\x1b[2K${line}\n`);
        else if (changed)
          out.write(`  ${mark} ${name.padEnd(12)} ${type.padEnd(10)} ${status.padEnd(8)} after ${seconds()}\n`);
      }
      drawn = lines.length;
    },
    end(): void {
      out.write(`\n${shown.size} resources in ${seconds()}.\n`);
    },
  };
}
