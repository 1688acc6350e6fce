import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { canonicalJson, hashOf } from "../core/json.ts";
import type { Policy, PolicyInput, Verdict } from "../core/policy.ts";
import { policyData } from "./config.ts";
import { compileModule, hostFunctions, type Instance, makeInstance } from "./instance.ts";
import { type PolicyLock, policiesFolder, policyLock, sha256Of } from "./lock.ts";
import { selfTest } from "./self-test.ts";

/** More than any intent's largest definition (32 KiB) with its overrides; WASM cannot be interrupted, only kept small. */
export const largestInputBytes = 256 * 1024;

/** What was compiled. Of `lock` only the hashes and the compiler's name count; `data` is JSON text. */
export type CompiledPolicy = { wasm: Uint8Array; data: Uint8Array; lock: PolicyLock };

/** The compiled policy is not what its lock says, or does not decide as any policy must. */
export class PolicyLoadError extends Error {
  override readonly name = "PolicyLoadError";
}

/**
 * The organisation's rules, ready to evaluate.
 *
 * @param source the compiled policy, or the folder that holds `compiled/`
 * @throws {PolicyLoadError} rather than serve a policy that nobody compiled; see {@link denyAll}
 */
export async function loadPolicy(source: CompiledPolicy | URL = policiesFolder): Promise<Policy> {
  try {
    const { wasm, data, lock } = source instanceof URL ? readCompiled(source) : source;
    mustEqual("wasm", sha256Of(wasm), lock.wasm);
    mustEqual("data", sha256Of(data), lock.data);
    const parsed = policyData.parse(JSON.parse(Buffer.from(data).toString("utf8")));
    mustEqual("revision", parsed.config.revision, lock.revision);
    const module = await compileModule(wasm);
    const missing = hostFunctions(module);
    if (missing.length > 0)
      throw new PolicyLoadError(`the policy calls what WASM does not have: ${missing.join(", ")}`);
    const policy = policyOf(lock, parsed.config.revision, () => makeInstance(module, parsed));
    const fault = selfTest(policy);
    if (fault !== null) throw new PolicyLoadError(`the policy fails its self-test: ${fault}`);
    return policy;
  } catch (cause) {
    if (cause instanceof PolicyLoadError) throw cause;
    throw new PolicyLoadError(`the policy cannot be loaded: ${textOf(cause)}`, { cause });
  }
}

/** What serves where no policy could be loaded: it denies everything and says why (law F16). */
export function denyAll(reason: unknown): Policy {
  return {
    revision: "unavailable",
    wasmHash: "0".repeat(64),
    evaluate: (input) => unavailable(input, safeHash(input), textOf(reason)),
  };
}

/** @param make gives a fresh instance; one that has thrown is never asked again, since its memory may be half-written */
export function policyOf(lock: PolicyLock, revision: string, make: () => Instance): Policy {
  let instance: Instance | null = null;
  let busy = false;
  return {
    // The configuration's revision can be forgotten; with the sources' hash, one revision is one set of rules.
    revision: `${revision}+${lock.sources.slice(0, 12)}`,
    wasmHash: lock.wasm,
    evaluate(input) {
      let inputHash = nothing;
      if (busy) return unavailable(input, inputHash, "the policy was asked while it was deciding");
      busy = true;
      try {
        if (!isPlainObject(input)) throw new Error("the input is not a plain object");
        const text = canonicalJson(input);
        inputHash = createHash("sha256").update(text).digest("hex");
        if (Buffer.byteLength(text) > largestInputBytes) {
          throw new Error(`the input is larger than ${largestInputBytes / 1024} KiB`);
        }
        const entrypoint = Object.hasOwn(entrypoints, input.action) ? entrypoints[input.action] : undefined;
        if (entrypoint === undefined) throw new Error("the action is not known");
        instance ??= make();
        return verdictOf(instance.evaluate(entrypoint, text), revision, inputHash);
      } catch (thrown) {
        instance = null;
        return unavailable(input, inputHash, textOf(thrown));
      } finally {
        busy = false;
      }
    },
  };
}

const entrypoints: { readonly [action: string]: string } = {
  apply: "cairn/decide/apply",
  delete: "cairn/decide/delete",
};

const finding = z.strictObject({
  rule: z.string().min(1),
  resource: z.string(),
  pointer: z.string(),
  message: z.string().min(1),
  fix: z.string().min(1),
});

// An undefined entrypoint is an empty list, which is no verdict.
const answer = z.tuple([
  z.strictObject({
    result: z.strictObject({ revision: z.string(), denials: z.array(finding), warnings: z.array(finding) }),
  }),
]);

function verdictOf(raw: unknown, revision: string, inputHash: string): Verdict {
  const parsed = answer.safeParse(raw);
  if (!parsed.success) throw new Error("the rules gave no verdict");
  const { result } = parsed.data[0];
  if (result.revision !== revision) throw new Error(`the rules answered under revision ${result.revision}`);
  return { allow: result.denials.length === 0, violations: result.denials, warnings: result.warnings, inputHash };
}

/** The hash where there is no input to hash. */
const nothing = hashOf(null);

function unavailable(input: unknown, inputHash: string, why: string): Verdict {
  const named = nameIn(input);
  const violation = {
    rule: "policy-unavailable",
    resource: named ?? "",
    pointer: named === null ? "" : `/resources/${named.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    message: `policy could not decide: ${why}`,
    fix: "try again; if it stays, tell the platform team the decision's id",
  };
  return { allow: false, violations: [violation], warnings: [], inputHash };
}

function nameIn(input: unknown): string | null {
  try {
    const { name } = (input as PolicyInput).resource;
    return typeof name === "string" ? name : null;
  } catch {
    return null;
  }
}

function safeHash(input: PolicyInput): string {
  try {
    return hashOf(input);
  } catch {
    return nothing;
  }
}

function isPlainObject(value: unknown): value is PolicyInput {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The runtime throws strings and plain objects besides errors. */
function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === "string") return thrown;
  const message: unknown = typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, "message") : undefined;
  return typeof message === "string" ? message : "an unknown fault";
}

function mustEqual(what: string, found: string, locked: string): void {
  if (found !== locked) {
    throw new PolicyLoadError(`the compiled policy's ${what} is ${found}, and its lock says ${locked}`);
  }
}

function readCompiled(folder: URL): CompiledPolicy {
  const read = (name: string) => readFileSync(new URL(`compiled/${name}`, folder));
  return {
    wasm: read("policy.wasm"),
    data: read("data.json"),
    lock: policyLock.parse(JSON.parse(read("lock.json").toString("utf8"))),
  };
}
