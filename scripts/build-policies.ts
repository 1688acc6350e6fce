// `npm run policies` compiles the rules; `npm run policies:check` proves that what is committed is what they compile to.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { policyData } from "../policies/config.ts";
import { loadPolicy } from "../policies/evaluate.ts";
import { type PolicyLock, policiesFolder, readLock, sha256Of, sourceHash } from "../policies/lock.ts";
import { findOrBuildOpa, opaVersion } from "./opa.ts";
import { flag, readArgs } from "./read-args.ts";

const compiled = new URL("compiled/", policiesFolder);
const say = (line: string) => console.log(`policies: ${line}`);

const { values } = readArgs(
  "npm run policies          compiles the rules\nnpm run policies:check    proves what is committed",
  { check: flag },
);
process.exitCode = values.check ? await check() : await build();

async function build(): Promise<number> {
  const opa = findOrBuildOpa(say);
  if ("missing" in opa) return fail(opa.missing);
  if (!rulesAreSound(opa.path)) return fail("the rules are not sound, nothing was compiled");
  const { wasm, data } = compile(opa.path);
  const lock = lockOf(wasm, data);
  // Loaded before anything is written: a policy that fails its self-test is never committed.
  const policy = await loadPolicy({ wasm, data, lock });
  mkdirSync(compiled, { recursive: true });
  writeFileSync(new URL("policy.wasm", compiled), wasm);
  writeFileSync(new URL("data.json", compiled), data);
  writeFileSync(new URL("lock.json", compiled), `${JSON.stringify(lock, null, 2)}\n`);
  say(`compiled revision ${policy.revision}, ${wasm.length} bytes of wasm ${lock.wasm}`);
  return 0;
}

async function check(): Promise<number> {
  const lock = readLock();
  if (lock.sources !== sourceHash()) return fail("the rules have changed since they were compiled: npm run policies");
  const policy = await loadPolicy();
  say(`the lock fits the sources, and revision ${policy.revision} loads`);

  const opa = findOrBuildOpa(say);
  if ("missing" in opa) {
    say(`left out: the rules' own tests, and rebuilding to compare bytes (${opa.missing})`);
    return 0;
  }
  if (!rulesAreSound(opa.path)) return fail("the rules are not sound");
  const { wasm, data } = compile(opa.path);
  if (JSON.stringify(lockOf(wasm, data)) !== JSON.stringify(lock)) {
    return fail("rebuilding gives other bytes than those committed: npm run policies");
  }
  say(`rebuilt with OPA ${opaVersion}: the same bytes`);
  return 0;
}

function fail(why: string): number {
  console.error(`policies: ${why}`);
  return 1;
}

function lockOf(wasm: Buffer, data: Buffer): PolicyLock {
  const { config } = policyData.parse(JSON.parse(data.toString("utf8")));
  const hashes = { sources: sourceHash(), wasm: sha256Of(wasm), data: sha256Of(data) };
  return { opa: opaVersion, revision: config.revision, ...hashes };
}

function rulesAreSound(opa: string): boolean {
  return [
    ["fmt", "--fail", "--list", "rules"],
    ["check", "--strict", "--capabilities", "capabilities.json", "rules", "config.yaml"],
    ["test", "rules", "config.yaml"],
  ].every((args) => run(opa, args));
}

/** `-O0`: higher levels evaluate what is data at run time while compiling, as undefined. Tests would be entrypoints. */
function compile(opa: string): { wasm: Buffer; data: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "cairn-policies-"));
  try {
    const bundle = join(folder, "bundle.tar.gz");
    const entrypoints = ["-e", "cairn/decide/apply", "-e", "cairn/decide/delete"];
    const limits = ["--capabilities", "capabilities.json", "--ignore", "*_test.rego"];
    const built = run(opa, [
      "build",
      "-t",
      "wasm",
      "-O0",
      ...entrypoints,
      ...limits,
      "-o",
      bundle,
      "rules",
      "config.yaml",
    ]);
    if (!built) throw new Error("opa build failed");
    const files = filesInTar(gunzipSync(readFileSync(bundle)));
    const named = (name: string) => files.get(name) ?? thrown(`the bundle has no ${name}`);
    return { wasm: named("/policy.wasm"), data: named("/data.json") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Run inside the folder with relative paths: the wasm names its sources, and must not name this machine's folders. */
function run(opa: string, args: string[]): boolean {
  const done = spawnSync(opa, args, { cwd: fileURLToPath(policiesFolder), encoding: "utf8" });
  if (done.status !== 0) console.error(`opa ${args.join(" ")}\n${done.stdout}${done.stderr}`);
  else say(`opa ${args[0]}: ${done.stdout.trim() || "fine"}`);
  return done.status === 0;
}

/** The files of a tar archive: 512-byte headers with name and octal size, contents padded to 512. */
function filesInTar(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const field = (from: number, length: number) =>
      tar.toString("utf8", at + from, at + from + length).split("\0", 1)[0] ?? "";
    const size = Number.parseInt(field(124, 12), 8);
    files.set(field(0, 100), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

function thrown(why: string): never {
  throw new Error(why);
}
