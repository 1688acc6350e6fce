import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** As a person calls it. */
function run(script: string, ...words: string[]) {
  const command = ["--disable-warning=ExperimentalWarning", script, ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: "utf8" });
  return { status, stdout, stderr };
}

test.each([
  ["scripts/simulate.ts", ["--seeds", "x"], /--seeds .*"x"/],
  ["scripts/simulate.ts", ["--seeds", "0"], /--seeds .*from 1 .*"0"/],
  ["scripts/simulate.ts", ["--sytematic"], /--sytematic/],
  ["scripts/simulate.ts", ["--seed", "629", "--systematic"], /--seed and --systematic/],
  ["scripts/simulate.ts", ["--only", "epoch"], /--only/],
  ["scripts/simulate.ts", ["--plants", "--only", "nobody's bug"], /--only "nobody's bug"/],
  ["scripts/torture.ts", ["--kills", "-1"], /--kills/],
  ["scripts/torture.ts", ["--port", "70000"], /--port .*"70000"/],
  ["scripts/ask-aws.ts", ["read-rate", "--regoin", "eu-central-1"], /--regoin/],
  ["scripts/build-policies.ts", ["--chek"], /--chek/],
  ["bench/retry-amplification.ts", ["x"], /"x"/],
  ["bench/retry-amplification.ts", ["--resources", "1.5"], /--resources .*"1.5"/],
  ["bench/dead-provider.ts", ["--resources", "3"], /--resources .*from 100 .*"3"/],
])("%s %j is refused in one line that names what is wrong, before anything is done", (script, words, named) => {
  const { status, stdout, stderr } = run(script, ...words);
  expect([status, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
  expect(stderr).toMatch(named);
});

test.each([
  ["scripts/simulate.ts", "--systematic"],
  ["scripts/torture.ts", "--postgres-stops"],
  ["scripts/ask-aws.ts", "token-replay"],
  ["bench/retry-amplification.ts", "--resources"],
])("%s --help prints what there is", (script, part) => {
  expect(run(script, "--help")).toEqual({ status: 0, stdout: expect.stringContaining(part), stderr: "" });
});

test("a seed that breaks no law says so after its trace", () => {
  const { status, stdout } = run("scripts/simulate.ts", "--seed", "3", "--steps", "20");
  expect([status, stdout.trim().split("\n").at(-1)]).toEqual([0, "seed 3: no law is broken"]);
});

test("one planted bug is chosen by a part of its name, and the verdict is about it alone", () => {
  const { status, stdout } = run("scripts/simulate.ts", "--plants", "--only", "BECOMES ready", "--seeds", "25");
  expect(stdout).toMatch(/^a stale generation becomes READY: I4 by 1\n/);
  expect(stdout).toMatch(/\n1 of 1 caught, in \d+ s\.\n$/);
  expect(status).toBe(0);
});
