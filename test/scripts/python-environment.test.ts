import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { findPython, pythonEnvironment } from "../../scripts/python-environment.ts";

let folder: string;
let requirements: string;
const said: string[] = [];
const make = () =>
  pythonEnvironment({ name: "tool", version: "9.9", install: ["--no-deps", "-r", requirements] }, (line) =>
    said.push(line),
  );
const kept = () => (existsSync(join(folder, "cairn")) ? readdirSync(join(folder, "cairn", "python")) : []);

/** An interpreter of a version that there is not: it makes environments of itself, and installs what is not called `broken`. */
const interpreter = (log: string) => `#!/bin/sh
if [ "$1" = -c ]; then echo 9.9; echo "$0"; exit; fi
echo "$2" >> '${log}'
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit; fi
for last; do :; done
if grep -q broken "$last"; then echo 'ERROR: no such package' >&2; exit 1; fi
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cairn python "));
  requirements = join(folder, "requirements.txt");
  writeFileSync(requirements, "tool==1.0\n");
  const python = join(folder, "python");
  writeFileSync(python, interpreter(join(folder, "log")));
  chmodSync(python, 0o755);
  vi.stubEnv("XDG_CACHE_HOME", folder);
  vi.stubEnv("CAIRN_PYTHON", python);
  said.length = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it("finds an interpreter of this very version, or none", () => {
  expect(findPython("9.9")).toBe(join(folder, "python"));
  expect(findPython("9.8")).toBeUndefined();
});

it("finds one of this version or a newer one", () => {
  expect(findPython("9.9+")).toBe(join(folder, "python"));
  expect(findPython("9.8+")).toBe(join(folder, "python"));
  expect(findPython("9.10+")).toBeUndefined();
  expect(findPython("8.9+")).toBeUndefined();
});

it("says which interpreter is missing, and makes nothing", () => {
  vi.stubEnv("CAIRN_PYTHON", "");
  expect(make()).toEqual({ missing: "Python 9.9 with venv is not here" });
  expect(kept()).toEqual([]);
});

it("makes an environment once, and another when the requirements change", () => {
  const first = make();
  expect(first).toEqual({ python: expect.stringMatching(/cairn\/python\/tool-[0-9a-f]{12}\/bin\/python$/) });
  expect(make()).toEqual(first);
  expect(readFileSync(join(folder, "log"), "utf8")).toBe("venv\npip\n");
  expect(said).toHaveLength(1);
  writeFileSync(requirements, "tool==2.0\n");
  expect(make()).not.toEqual(first);
  expect(kept()).toHaveLength(2);
});

it("leaves nothing half-made behind when a package cannot be installed, and tries again the next time", () => {
  writeFileSync(requirements, "broken==1.0\n");
  expect(make()).toEqual({ missing: "tool could not be installed: ERROR: no such package" });
  expect(kept()).toEqual([]);
  expect(make()).toMatchObject({ missing: expect.anything() });
  expect(readFileSync(join(folder, "log"), "utf8")).toBe("venv\npip\nvenv\npip\n");
});
