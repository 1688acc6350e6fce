import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { policyData } from "../../policies/config.ts";
import { type CompiledPolicy, loadPolicy, PolicyLoadError } from "../../policies/evaluate.ts";
import { policiesFolder, readLock, sha256Of, sourceFiles, sourceHash } from "../../policies/lock.ts";

const read = (name: string) => readFileSync(new URL(`compiled/${name}`, policiesFolder));
const compiled = (): CompiledPolicy => ({ wasm: read("policy.wasm"), data: read("data.json"), lock: readLock() });
const withData = (change: (config: { [key: string]: unknown }) => void): CompiledPolicy => {
  const whole = JSON.parse(read("data.json").toString("utf8"));
  change(whole.config);
  const data = Buffer.from(JSON.stringify(whole));
  return { ...compiled(), data, lock: { ...readLock(), data: sha256Of(data) } };
};

test("the committed policy loads, with a revision that names the configuration's and the sources", async () => {
  const policy = await loadPolicy();
  const lock = readLock();
  expect(policy.revision).toBe(`${lock.revision}+${lock.sources.slice(0, 12)}`);
  expect(policy.wasmHash).toBe(lock.wasm);
});

describe("the lock holds the compiled policy to its sources", () => {
  test("it is not stale: `npm run policies` after changing a rule", () => {
    expect(readLock().sources).toBe(sourceHash());
  });

  test("the compiled data is the configuration", () => {
    const source: unknown = parse(readFileSync(new URL("config.yaml", policiesFolder), "utf8"));
    expect(policyData.parse(JSON.parse(read("data.json").toString("utf8")))).toEqual(source);
  });

  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cairn policies "));
    cpSync(policiesFolder, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const here = () => pathToFileURL(`${folder}/`);

  test.each(["rules/owner_known.rego", "config.yaml", "capabilities.json"])("a changed %s makes it stale", (path) => {
    writeFileSync(join(folder, path), `${readFileSync(join(folder, path), "utf8")}\n`);
    expect(sourceHash(here())).not.toBe(readLock().sources);
  });

  test("a new or a removed rule makes it stale, a new test and other line ends do not", () => {
    const text = readFileSync(join(folder, "rules/owner_known.rego"), "utf8");
    writeFileSync(join(folder, "rules/more_test.rego"), text);
    writeFileSync(join(folder, "rules/owner_known.rego"), text.replaceAll("\n", "\r\n"));
    expect(sourceHash(here())).toBe(readLock().sources);
    writeFileSync(join(folder, "rules/more.rego"), text);
    expect(sourceHash(here())).not.toBe(readLock().sources);
    rmSync(join(folder, "rules/more.rego"));
    rmSync(join(folder, "rules/owner_known.rego"));
    expect(sourceHash(here())).not.toBe(readLock().sources);
  });

  test.each(["policy.wasm", "data.json", "lock.json"])("without %s nothing loads", async (name) => {
    rmSync(join(folder, "compiled", name));
    await expect(loadPolicy(here())).rejects.toThrow(PolicyLoadError);
  });
});

test("every rule has its tests", () => {
  for (const path of sourceFiles().filter((name) => name.endsWith(".rego") && !name.endsWith("/lib.rego"))) {
    const tests = readFileSync(new URL(path.replace(/\.rego$/, "_test.rego"), policiesFolder), "utf8");
    expect(tests, path).toMatch(/^test_\w+ if/m);
  }
});

describe("what is not what was compiled does not load", () => {
  const lock = readLock();
  const other = "0".repeat(64);
  const flipped = Buffer.from(read("policy.wasm"));
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  test.each<{ reason: string; source: CompiledPolicy; says: RegExp }>([
    {
      reason: "one bit of the wasm",
      source: { ...compiled(), wasm: flipped },
      says: /wasm is [0-9a-f]{64}, and its lock says/,
    },
    { reason: "another wasm hash", source: { ...compiled(), lock: { ...lock, wasm: other } }, says: /wasm/ },
    { reason: "changed data", source: { ...compiled(), data: Buffer.from("{}") }, says: /data/ },
    { reason: "another revision", source: { ...compiled(), lock: { ...lock, revision: "x" } }, says: /revision/ },
    {
      reason: "bytes that are no wasm, rightly locked",
      source: { ...compiled(), wasm: Buffer.from("no"), lock: { ...lock, wasm: sha256Of(Buffer.from("no")) } },
      says: /cannot be loaded/,
    },
    {
      reason: "a configuration that lacks what a rule reads",
      source: withData((config) => delete config.overrides),
      says: /overrides/,
    },
    {
      reason: "a misspelt member",
      source: withData((config) => Object.assign(config, { region: [] })),
      says: /region/,
    },
    {
      reason: "a list of numbers",
      source: withData((config) => Object.assign(config, { regions: [1] })),
      says: /regions/,
    },
  ])("$reason", async ({ source, says }) => {
    const failure = await loadPolicy(source).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(PolicyLoadError);
    expect((failure as PolicyLoadError).message).toMatch(says);
  });
});

test("what a policy may call is what WASM itself has", () => {
  const { builtins } = JSON.parse(readFileSync(new URL("capabilities.json", policiesFolder), "utf8")) as {
    builtins: { name: string }[];
  };
  const names = builtins.map(({ name }) => name);
  expect(names).toContain("walk");
  for (const missing of ["time.now_ns", "http.send", "sprintf", "regex.replace", "semver.compare", "opa.runtime"]) {
    expect(names).not.toContain(missing);
  }
});
