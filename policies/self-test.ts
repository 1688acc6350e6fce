import type { Policy, PolicyInput } from "../core/policy.ts";

/**
 * Evaluates what every rule set must allow and what it must deny, so that a policy that allows everything, or nothing,
 * never serves. It also warms the instance: the first evaluation takes 8 ms, the next ones a tenth of one.
 *
 * @returns what is wrong, or null
 */
export function selfTest(policy: Policy): string | null {
  for (const { what, input, denied } of expectations) {
    const verdict = policy.evaluate(input);
    const by = verdict.violations.map(({ rule, message }) => `${rule} (${message})`).join(", ");
    if (denied === null && !verdict.allow) return `${what} must be allowed, and is denied by ${by}`;
    if (denied !== null && verdict.allow) return `${what} must be denied, and is allowed`;
    if (denied !== null && !verdict.violations.some(({ rule }) => rule === denied)) {
      return `${what} must be denied by ${denied}, and is denied by ${by}`;
    }
  }
  return null;
}

// Of no real kind and without class, region or overrides, so that no organisation's configuration speaks about it.
const harmless: PolicyInput = {
  schema: 1,
  now: 0,
  action: "apply",
  caller: { subject: "self-test", role: "platform" },
  team: { id: "self-test", contact: "self-test" },
  service: "self-test",
  environment: { name: "development", tier: "development" },
  resource: {
    name: "self-test",
    type: "self-test",
    version: 1,
    class: null,
    provider: "self-test",
    kind: "Cairn::SelfTest",
    region: null,
    parameters: {},
    overrides: null,
    properties: {},
    protected: false,
  },
};

const expectations: { what: string; input: PolicyInput; denied: string | null }[] = [
  { what: "a harmless apply", input: harmless, denied: null },
  { what: "a harmless delete", input: { ...harmless, action: "delete" }, denied: null },
  {
    what: "a public address",
    input: { ...harmless, resource: { ...harmless.resource, properties: { PubliclyAccessible: true } } },
    denied: "no-public-exposure",
  },
  {
    what: "the delete of a protected resource",
    input: { ...harmless, action: "delete", resource: { ...harmless.resource, protected: true } },
    denied: "deletion-protection",
  },
];
