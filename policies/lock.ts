import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";

/** The committed folder of this room; Rego and configuration in it, what they were compiled to below `compiled/`. */
export const policiesFolder = new URL("./", import.meta.url);

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Holds the compiled policy to what it was compiled from. `npm run policies` writes it, nobody else. */
export const policyLock = z.strictObject({
  /** The compiler: another one may give other bytes. */
  opa: z.string().regex(/^v\d+\.\d+\.\d+$/),
  /** The configuration's own revision. */
  revision: z.string().min(1),
  sources: sha256,
  wasm: sha256,
  data: sha256,
});

export type PolicyLock = z.infer<typeof policyLock>;

export function readLock(folder: URL = policiesFolder): PolicyLock {
  return policyLock.parse(JSON.parse(readFileSync(new URL("compiled/lock.json", folder), "utf8")));
}

/** What is compiled, as paths below the folder: rules without their tests, the configuration, what Rego may call. */
export function sourceFiles(folder: URL = policiesFolder): string[] {
  const rules = readdirSync(new URL("rules/", folder)).filter((name) => /(?<!_test)\.rego$/.test(name));
  return ["capabilities.json", "config.yaml", ...rules.map((name) => `rules/${name}`)].sort();
}

/** Hash of every source's path and text. Line ends do not count: a checkout on Windows may have changed them. */
export function sourceHash(folder: URL = policiesFolder): string {
  const hash = createHash("sha256");
  for (const path of sourceFiles(folder)) {
    const text = readFileSync(new URL(path, folder), "utf8").replaceAll("\r\n", "\n");
    hash.update(`${path}\0${Buffer.byteLength(text)}\0${text}`);
  }
  return hash.digest("hex");
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
