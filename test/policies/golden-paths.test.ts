import { beforeAll, expect, test } from "vitest";
import { tiers } from "../../core/definition.ts";
import type { Policy } from "../../core/policy.ts";
import { loadPolicy } from "../../policies/evaluate.ts";
import { exampleResources, goldenPaths, resolvedInput } from "./resolved-input.ts";

// The golden paths that ship must pass the rules that ship: a developer who accepts every default is never denied.

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

const types = ["postgres", "redis", "bucket", "topic", "queue", "secret", "parameter"];
const cases = types.flatMap((type) => tiers.map((tier) => ({ type, tier })));

test.each(cases)("$type with every default is allowed in $tier", ({ type, tier }) => {
  const request = { type, ...(type === "parameter" ? { parameters: { value: "${resources.db.outputs.url}" } } : {}) };
  const verdict = policy.evaluate(resolvedInput(request, tier));
  expect(verdict).toMatchObject({ allow: true, violations: [], warnings: [] });
});

test("every type that ships is in that table", () => {
  expect([...new Set(goldenPaths.list().map(({ type }) => type))].sort()).toEqual([...types].sort());
});

test.each(types)(
  "a %s may be made deletable in production, with a warning where it holds what is lost for good",
  (type) => {
    const protectable = Object.keys(goldenPaths.list().find((one) => one.type === type)?.parameters.properties ?? {});
    if (!protectable.includes("deletionProtection")) return expect(type).toBe("parameter");
    const verdict = policy.evaluate(resolvedInput({ type, parameters: { deletionProtection: false } }, "production"));
    expect(verdict.violations).toEqual([]);
    expect(verdict.warnings).toHaveLength(type === "redis" ? 0 : 1);
  },
);

test("a database in one zone is denied where the override says so", () => {
  const input = resolvedInput({ type: "postgres", overrides: { MultiAZ: false } }, "production");
  const { violations } = policy.evaluate(input);
  expect(violations.map(({ rule, pointer }) => `${rule} ${pointer}`)).toEqual([
    "production-safety /resources/it/overrides/MultiAZ",
  ]);
});

test("the example intent passes in staging, for a team that has told nobody its contact", () => {
  for (const request of Object.values(exampleResources)) {
    const verdict = policy.evaluate(resolvedInput(request, "staging", null));
    expect(verdict.violations).toEqual([]);
    expect(verdict.warnings.map(({ rule }) => rule)).toEqual(["owner-known"]);
  }
});
