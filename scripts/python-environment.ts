import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";

export type PythonEnvironment = { python: string } | { missing: string };

export type PythonEnvironmentOptions = {
  /** What it is for: its folder's name begins so. */
  name: string;
  /** Of the interpreter, as in `3.13`, or `3.11+` for this or a newer one; `3.9+` when left out. */
  version?: string;
  /** What pip is told to install: pinned packages, or a file that pins them. */
  install: readonly string[];
};

const anyVersion = "3.9+";
/** Installing takes a minute or two; what takes longer than this is stuck. */
const installMs = 15 * 60 * 1000;

/**
 * A virtual environment of its own for a tool that Python brings: made once, and then kept in the cache for as long as what is
 * installed stays the same. Nothing outside of the cache is changed. It is moved into place, which the commands in its `bin` do
 * not survive: what is run is its interpreter.
 */
export function pythonEnvironment(options: PythonEnvironmentOptions, say: (line: string) => void): PythonEnvironment {
  const { name, version, install } = options;
  const base = findPython(version);
  if (base === undefined)
    return { missing: `Python ${(version ?? anyVersion).replace("+", " or newer")} with venv is not here` };
  const hash = createHash("sha256").update(base);
  for (const part of install) hash.update(existsSync(part) ? readFileSync(part) : part);
  const folder = join(cacheFolder(), "python", `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return { python: pythonIn(folder) };

  say(`installing ${name} into ${folder}; this takes a minute or two, once`);
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(join(folder, ".."), { recursive: true });
  const steps = [
    [base, "-m", "venv", unfinished],
    [pythonIn(unfinished), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...install],
  ];
  try {
    for (const [command = "", ...parameters] of steps) {
      const { status, stderr, error } = spawnSync(command, parameters, { encoding: "utf8", timeout: installMs });
      if (status !== 0) return { missing: `${name} could not be installed: ${lastLine(stderr || String(error))}` };
    }
    // Whoever was faster has made the same.
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return { python: pythonIn(folder) };
}

/** An interpreter that can make environments: `CAIRN_PYTHON`, one on the PATH, or one of pyenv's. */
export function findPython(version = anyVersion): string | undefined {
  const [, exact = "", orNewer] = /^(.*?)(\+?)$/.exec(version) ?? [];
  const named = [process.env.CAIRN_PYTHON, `python${exact}`, "python3", "python"];
  const ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2]); print(sys.executable)";
  for (const candidate of [...named, ...pyenvPythons(orNewer ? "3" : exact)]) {
    if (candidate === undefined || candidate === "") continue;
    const { status, stdout } = spawnSync(candidate, ["-c", ask], { encoding: "utf8", timeout: 30_000 });
    const [found = "", executable] = status === 0 ? stdout.split(/\r?\n/) : [];
    if (orNewer ? isFrom(exact, found) : found === exact) return executable;
  }
  return undefined;
}

function isFrom(oldest: string, found: string): boolean {
  const [[major, minor = 0] = [], [foundMajor, foundMinor = -1] = []] = [oldest, found].map((version) =>
    version.split(".").map(Number),
  );
  return foundMajor === major && foundMinor >= minor;
}

function pyenvPythons(version: string): string[] {
  const { status, stdout } = spawnSync("pyenv", ["root"], { encoding: "utf8", timeout: 30_000 });
  const versions = join(status === 0 ? stdout.trim() : "", "versions");
  if (status !== 0 || !existsSync(versions)) return [];
  const matching = readdirSync(versions).filter((name) => name.startsWith(`${version}.`));
  return matching.map((name) => pythonIn(join(versions, name)));
}

function pythonIn(folder: string): string {
  return process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
