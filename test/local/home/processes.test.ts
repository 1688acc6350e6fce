import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { alive, startOf } from "../../../local/home/processes.ts";

test("a process lives until it ends, also when nobody waits for it", async () => {
  // The shell becomes `sleep`, which never waits for the shell's child.
  const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"]);
  const [output] = (await once(parent.stdout, "data")) as [Buffer];
  const child = Number(output.toString());
  expect(alive(child)).toBe(true);
  await expect.poll(() => alive(child), { timeout: 5000 }).toBe(false);
  expect(() => process.kill(child, 0)).not.toThrow();
  parent.kill();
  await once(parent, "exit");
  expect(alive(parent.pid ?? 0)).toBe(false);
});

test("two processes have different starts, and one keeps its own", async () => {
  const other = spawn("sleep", ["60"]);
  const pid = other.pid ?? 0;
  expect(await startOf(pid)).toBe(await startOf(pid));
  if (process.platform === "linux") expect(await startOf(pid)).not.toBe(await startOf(process.pid));
  other.kill();
  await once(other, "exit");
  expect(await startOf(pid)).toBeUndefined();
});
