import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

type Entry = { optionalDependencies?: Record<string, string>; hasInstallScript?: boolean; resolved?: string };

const text = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");
const { packages } = JSON.parse(text) as { packages: Record<string, Entry> };

test("every platform's packages are in the lock: npm ci refuses it otherwise, on all of them", () => {
  const missing = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !(`node_modules/${name}` in packages) && !(`${from}/node_modules/${name}` in packages))
      .map((name) => `${from || "package.json"} wants ${name}`),
  );
  expect(missing).toEqual([]);
});

test("the lock names no registry", () => {
  const named = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
  expect(named.map(([path]) => path)).toEqual([]);
});
