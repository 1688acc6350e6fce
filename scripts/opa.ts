import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";

/** Pinned: builds of one version are byte-identical, which is what lets CI rebuild and compare. */
export const opaVersion = "v1.20.2";

export type Opa = { path: string } | { missing: string };

/** The compiler: in the cache, on the PATH in this very version, or built from the Go module proxy (2 minutes, once). */
export function findOrBuildOpa(say: (line: string) => void): Opa {
  const folder = join(cacheFolder(), "opa", opaVersion);
  const cached = join(folder, process.platform === "win32" ? "opa.exe" : "opa");
  if (existsSync(cached) && isOpa(cached)) return { path: cached };
  if (isOpa("opa")) return { path: "opa" };
  if (spawnSync("go", ["version"]).status !== 0) {
    return {
      missing: `OPA ${opaVersion} is neither on the PATH nor in the cache, and there is no Go to build it with`,
    };
  }
  say(`building OPA ${opaVersion} into ${folder}; this takes about two minutes, once`);
  mkdirSync(folder, { recursive: true });
  const built = spawnSync("go", ["install", `github.com/open-policy-agent/opa@${opaVersion}`], {
    env: { ...process.env, GOBIN: folder },
    encoding: "utf8",
  });
  if (built.status === 0 && isOpa(cached)) return { path: cached };
  const reason = (built.stderr || String(built.error ?? "")).trim().split("\n").at(-1);
  return { missing: `OPA ${opaVersion} could not be built with Go: ${reason}` };
}

function isOpa(path: string): boolean {
  const answer = spawnSync(path, ["version"], { encoding: "utf8" });
  return answer.status === 0 && answer.stdout.split("\n").includes(`Version: ${opaVersion.slice(1)}`);
}
