import { beforeAll, describe, expect, test } from "vitest";
import { hashOf, type Json } from "../../core/json.ts";
import type { Policy, PolicyInput } from "../../core/policy.ts";
import { denyAll, largestInputBytes, loadPolicy, policyOf } from "../../policies/evaluate.ts";
import type { Instance } from "../../policies/instance.ts";
import { readLock } from "../../policies/lock.ts";
import { policyInput } from "./policy-input.ts";

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

const nested = (depth: number) => {
  let value: Json = {};
  for (let at = 0; at < depth; at++) value = { a: value };
  return value as { [key: string]: Json };
};

describe("what is no whole input is denied, not undefined and so allowed", () => {
  const { team: _team, ...withoutTeam } = policyInput();
  const { protected: _protected, ...unprotected } = policyInput().resource;
  test.each([
    { reason: "undefined", input: undefined },
    { reason: "null", input: null },
    { reason: "a string of JSON", input: JSON.stringify(policyInput()) },
    { reason: "a Buffer of JSON", input: Buffer.from(JSON.stringify(policyInput())) },
    { reason: "an array", input: [policyInput()] },
    { reason: "an instance of a class", input: Object.assign(new Date(), policyInput()) },
    { reason: "an empty object", input: {} },
    { reason: "another schema", input: { ...policyInput(), schema: 2 } },
    { reason: "no team", input: withoutTeam },
    { reason: "no word on protection", input: { ...policyInput(), resource: unprotected } },
    { reason: "a member that is undefined", input: { ...policyInput(), service: undefined } },
    { reason: "a tier that does not exist", input: { ...policyInput(), environment: { name: "x", tier: "x" } } },
    { reason: "an action that does not exist", input: { ...policyInput(), action: "replace" } },
    { reason: "an action of Object's own", input: { ...policyInput(), action: "constructor" } },
    { reason: "properties that are text", input: policyInput({ properties: "{}" as never }) },
    { reason: "257 KiB", input: policyInput({ properties: { text: "x".repeat(257 * 1024) } }) },
    { reason: "a depth that overflows any stack", input: policyInput({ properties: nested(100_000) }) },
    {
      reason: "a getter that throws",
      input: Object.defineProperty({ ...policyInput() }, "now", {
        enumerable: true,
        get() {
          throw new Error("no");
        },
      }),
    },
  ])("$reason", ({ input }) => {
    const verdict = policy.evaluate(input as PolicyInput);
    expect(verdict).toMatchObject({ allow: false, warnings: [], violations: [{ rule: "policy-unavailable" }] });
    expect(verdict.inputHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("and the next whole input is decided as ever", () => {
    expect(policy.evaluate(policyInput()).allow).toBe(true);
  });
});

describe("hostile input is data", () => {
  test.each([
    { reason: "NUL and control characters", text: "a\u0000b\u0007" },
    { reason: "emoji", text: "🏔️" },
    { reason: "Rego's own template", text: "{input.team.id}${x}" },
    { reason: "a sprintf verb", text: "%s%d%!v" },
    { reason: "a quote and a brace", text: '"}]},"denials":[]' },
  ])("$reason", ({ text }) => {
    const input = policyInput({ name: text, region: text, properties: { [text]: text, PubliclyAccessible: text } });
    const verdict = policy.evaluate(input);
    expect(verdict.allow).toBe(false);
    const decided = verdict.violations.map(({ rule }) => rule);
    expect(decided).toEqual(["no-public-exposure", "region-allowed"]);
  });

  test("__proto__ is a name like any other", () => {
    const properties = JSON.parse('{ "__proto__": { "PubliclyAccessible": true } }');
    expect(policy.evaluate(policyInput({ properties })).allow).toBe(false);
  });

  test("a lone surrogate, which is no text, is denied", () => {
    const verdict = policy.evaluate(policyInput({ parameters: { text: "\ud800" } }));
    expect(verdict).toMatchObject({ allow: false, violations: [{ rule: "policy-unavailable" }] });
  });

  test.each([
    { reason: "the densest 32 KiB, which is the largest definition", properties: { many: Array(10_900).fill({}) } },
    { reason: "one text of nearly 256 KiB", properties: { text: "x".repeat(255_000) } },
    { reason: "32 levels", properties: nested(32) },
  ])("what an intent can hold is decided: $reason", ({ properties }) => {
    expect(policy.evaluate(policyInput({ properties }))).toMatchObject({ allow: true, violations: [] });
  });

  test("what needs more memory than WASM may have is denied, and the next input is decided as ever", () => {
    const input = policyInput({ properties: { many: Array(80_000).fill({}) } });
    expect(JSON.stringify(input).length).toBeLessThan(largestInputBytes);
    const verdict = policy.evaluate(input);
    expect(verdict).toMatchObject({ allow: false, violations: [{ rule: "policy-unavailable" }] });
    expect(policy.evaluate(policyInput()).allow).toBe(true);
  });
});

test("the verdict carries the hash of the canonical input, whatever the order of its keys", () => {
  const input = policyInput({ properties: { a: 1, b: 2 } });
  const turned = Object.fromEntries(Object.entries(input).reverse()) as PolicyInput;
  expect(policy.evaluate(input).inputHash).toBe(hashOf(input));
  expect(policy.evaluate(turned).inputHash).toBe(hashOf(input));
});

test("one violation is said once for each place, in a stable order", () => {
  const input = policyInput({ region: "b", properties: { PubliclyAccessible: true } });
  expect(policy.evaluate(input)).toEqual(policy.evaluate(structuredClone(input)));
});

describe("a runtime that misbehaves denies", () => {
  const allowing = { revision: "r", denials: [], warnings: [] };
  const finding = { rule: "r", resource: "it", pointer: "/x", message: "m", fix: "f" };
  test.each<{ reason: string; evaluate: () => unknown }>([
    { reason: "an undefined entrypoint", evaluate: () => [] },
    { reason: "nothing", evaluate: () => undefined },
    { reason: "two answers", evaluate: () => [{ result: allowing }, { result: allowing }] },
    { reason: "true", evaluate: () => [{ result: true }] },
    { reason: "an empty object", evaluate: () => [{ result: {} }] },
    { reason: "no denials member", evaluate: () => [{ result: { revision: "r", warnings: [] } }] },
    { reason: "denials as an object", evaluate: () => [{ result: { ...allowing, denials: {} } }] },
    {
      reason: "a finding without a fix",
      evaluate: () => [{ result: { ...allowing, denials: [{ ...finding, fix: "" }] } }],
    },
    { reason: "another revision", evaluate: () => [{ result: { ...allowing, revision: "other" } }] },
    {
      reason: "a thrown string",
      evaluate: () => {
        throw "opa_abort: out of memory";
      },
    },
    {
      reason: "a thrown object",
      evaluate: () => {
        throw { message: "not implemented: built-in function" };
      },
    },
    {
      reason: "a thrown nothing",
      evaluate: () => {
        throw undefined;
      },
    },
  ])("$reason", ({ evaluate }) => {
    const verdict = policyOf(readLock(), "r", () => ({ evaluate })).evaluate(policyInput());
    expect(verdict).toMatchObject({
      allow: false,
      violations: [{ rule: "policy-unavailable", pointer: "/resources/it" }],
    });
  });

  test("the same answers allow when they are whole", () => {
    const whole = policyOf(readLock(), "r", () => ({ evaluate: () => [{ result: allowing }] }));
    expect(whole.evaluate(policyInput()).allow).toBe(true);
  });

  test("an instance that has thrown is replaced, and one that has not is kept", () => {
    const made: Instance[] = [];
    let healthy = true;
    const whole = policyOf(readLock(), "r", () => {
      const instance = {
        evaluate() {
          if (healthy) return [{ result: allowing }];
          throw "broken";
        },
      };
      made.push(instance);
      return instance;
    });
    whole.evaluate(policyInput());
    whole.evaluate(policyInput());
    expect(made).toHaveLength(1);
    healthy = false;
    expect(whole.evaluate(policyInput()).allow).toBe(false);
    healthy = true;
    expect(whole.evaluate(policyInput()).allow).toBe(true);
    expect(made).toHaveLength(2);
  });

  test("an instance that cannot be made denies, and is tried again", () => {
    let tries = 0;
    const whole = policyOf(readLock(), "r", () => {
      tries++;
      throw new Error("no memory");
    });
    expect(whole.evaluate(policyInput()).allow).toBe(false);
    expect(whole.evaluate(policyInput()).allow).toBe(false);
    expect(tries).toBe(2);
  });

  test("asked while it is deciding, it denies the inner question and answers the outer one", () => {
    const inner: boolean[] = [];
    const whole: Policy = policyOf(readLock(), "r", () => ({
      evaluate() {
        inner.push(whole.evaluate(policyInput()).allow);
        return [{ result: allowing }];
      },
    }));
    expect(whole.evaluate(policyInput()).allow).toBe(true);
    expect(inner).toEqual([false]);
  });
});

test("a policy that could not be loaded denies everything and says why", () => {
  const verdict = denyAll(new Error("no such file")).evaluate(policyInput());
  expect(verdict).toMatchObject({ allow: false, violations: [{ rule: "policy-unavailable" }] });
  expect(verdict.violations[0]?.message).toContain("no such file");
  expect(denyAll("x").evaluate(undefined as never).allow).toBe(false);
});
