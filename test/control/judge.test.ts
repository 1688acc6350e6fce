import { describe, expect, it } from "vitest";
import { decideChanges } from "../../control/decide-changes.ts";
import { judge } from "../../control/judge.ts";
import type { Caller } from "../../core/caller.ts";
import type { Intent } from "../../core/intent.ts";
import type { IntentContext } from "../../core/store.ts";
import {
  applying,
  contextOf,
  counter,
  definitionOf,
  deleting,
  existing,
  goldenPaths,
  policyOf,
  url,
  using,
  violation,
} from "./inputs.ts";

const caller: Caller = { subject: "ada", role: "developer", team: "payments" };

function judging(intent: Intent, context: IntentContext, policy = policyOf()) {
  const decided = decideChanges({ goldenPaths, newId: counter() }, intent, context);
  if (decided.outcome !== "decided") throw new Error(decided.outcome);
  return { verdict: judge({ policy, now: () => 1_800_000_000 }, caller, intent, context, decided.changes), policy };
}

describe("policy", () => {
  it("is asked about every definition, those that do not change included", () => {
    const { policy, verdict } = judging(applying({ a: { type: "bucket" }, b: using("a") }), contextOf([existing("a")]));
    expect(policy.asked.map(({ resource }) => resource.name)).toEqual(["a", "b"]);
    expect(verdict.allow).toBe(true);
  });

  it("sees references marked in parameters, overrides and properties, and everything else as it is", () => {
    const request = { type: "bucket", parameters: { db: url("db"), plain: "x" }, overrides: { Name: url("db") } };
    const { policy } = judging(applying({ app: request }), contextOf([existing("db")]));
    const ref = { ref: url("db") };
    expect(policy.asked).toEqual([
      {
        schema: 1,
        now: 1_800_000_000,
        action: "apply",
        caller: { subject: "ada", role: "developer" },
        team: { id: "payments", contact: "payments@example.com" },
        service: "orders",
        environment: { name: "staging", tier: "staging" },
        resource: {
          name: "app",
          type: "bucket",
          version: 2,
          class: null,
          provider: "aws",
          kind: "AWS::S3::Bucket",
          region: "eu-central-1",
          parameters: { db: ref, plain: "x" },
          overrides: { Name: ref },
          properties: { BucketName: "app", db: ref, plain: "x" },
          protected: false,
        },
      },
    ]);
  });

  it("judges in the strictest tier, without region or contact, where these are not known", () => {
    const context = contextOf([], { environment: null, team: null, targets: { aws: { region: 1 } } });
    const { policy } = judging(applying({ a: { type: "bucket" } }), context);
    expect(policy.asked[0]).toMatchObject({
      environment: { tier: "production" },
      team: { contact: null },
      resource: { region: null },
    });
  });

  it("judges a delete by the protection that stands", () => {
    const resource = existing("a", { definition: definitionOf("a", { protected: true }) });
    expect(judging(deleting(["a"]), contextOf([resource])).policy.asked[0]).toMatchObject({
      action: "delete",
      resource: { protected: true },
    });
  });

  it("that denies one resource denies the intent, and every reason is given", () => {
    const policy = policyOf(({ resource: { name } }) =>
      name === "b" ? { allow: false, violations: [violation("region", name), violation("class", name)] } : {},
    );
    const { verdict } = judging(applying({ a: { type: "bucket" }, b: { type: "bucket" } }), contextOf(), policy);
    expect(verdict).toMatchObject({ allow: false, violations: [violation("region", "b"), violation("class", "b")] });
  });

  it("that denies without giving a reason denies", () => {
    const { verdict } = judging(
      applying({ a: { type: "bucket" } }),
      contextOf(),
      policyOf(() => ({ allow: false })),
    );
    expect(verdict).toMatchObject({ allow: false, violations: [] });
  });

  it("says once what is about the whole intent, and at most fifty things", () => {
    const owner = { ...violation("owner", "a"), pointer: "/team" };
    const policy = policyOf(({ resource: { name } }) => ({
      allow: false,
      violations: [
        { ...owner, resource: name },
        ...Array.from({ length: 30 }, (_, index) => violation(`r${index}`, name)),
      ],
      warnings: [{ ...owner, resource: name }],
    }));
    const { verdict } = judging(applying({ a: { type: "bucket" }, b: { type: "bucket" } }), contextOf(), policy);
    expect(verdict.violations).toHaveLength(50);
    expect(verdict.violations.filter(({ rule }) => rule === "owner")).toEqual([owner]);
    expect(verdict.violations.slice(1, 31)).toEqual(
      Array.from({ length: 30 }, (_, index) => violation(`r${index}`, "a")),
    );
    expect(verdict.warnings).toEqual([owner]);
  });

  it("gives reasons that fit into a row, however long the names are by which a rule is broken", () => {
    const name = "n".repeat(20_000);
    const policy = policyOf(() => ({
      allow: false,
      violations: Array.from({ length: 40 }, (_, index) => ({
        ...violation(`r${index}`, "a"),
        pointer: `/resources/a/overrides/${name}/${index}`,
        message: `${name} is the platform's to set, and €€€ are longer than they look`.repeat(2),
      })),
    }));
    const { verdict } = judging(applying({ a: { type: "bucket" } }), contextOf(), policy);
    expect(verdict.allow).toBe(false);
    expect(verdict.violations.length).toBeGreaterThan(10);
    expect(verdict.violations[0]?.pointer).toBe("/resources/a/overrides");
    expect(Buffer.byteLength(JSON.stringify(verdict.violations))).toBeLessThan(24_000);
  });

  it("judged something else whenever any of its inputs is another", () => {
    const hashOfInput = (intent: Intent) => judging(intent, contextOf()).verdict.inputHash;
    const one = hashOfInput(applying({ a: { type: "bucket" } }));
    expect(hashOfInput(applying({ a: { type: "bucket" } }))).toBe(one);
    expect(hashOfInput(applying({ a: { type: "bucket", overrides: { X: 1 } } }))).not.toBe(one);
    expect(hashOfInput(applying({ a: { type: "bucket" }, b: { type: "bucket" } }))).not.toBe(one);
  });
});
