import fc from "fast-check";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, it } from "vitest";
import { derivedName, type NameAlphabet, namePattern } from "../../core/names.ts";

const letters = "abcdefghijklmnopqrstuvwxyz0123456789-".split("");
const name = fc
  .string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 40 })
  .filter((text) => namePattern.test(text));
const id = fc.uuid({ version: 7 });
/** The shortest limit that any kind here has is a Postgres-like 20; 40 and 63 are ElastiCache's and RDS's. */
const alphabet = fc.record<NameAlphabet>({
  maxLength: fc.constantFrom(20, 40, 63, 255),
  separator: fc.constantFrom("-", "_", ""),
});

describe("a derived name", () => {
  it("fits the alphabet and the length, and begins with a letter", () => {
    fc.assert(
      fc.property(name, name, id, alphabet, (service, resource, resourceId, rules) => {
        const derived = derivedName(service, resource, resourceId, rules);
        expect(derived.length).toBeLessThanOrEqual(rules.maxLength);
        expect(derived).toMatch(
          { "-": /^[a-z][a-z0-9-]*$/, _: /^[a-z][a-z0-9_]*$/, "": /^[a-z][a-z0-9]*$/ }[rules.separator],
        );
        expect(derived, "RDS and ElastiCache refuse two hyphens in a row").not.toMatch(/--|__/);
        expect(derived).toMatch(new RegExp(`${rules.separator}[0-9a-f]{8}$`));
      }),
    );
  });

  it("is the same for the same resource and another for another one of the same name", () => {
    fc.assert(
      fc.property(name, name, id, id, alphabet, (service, resource, one, other, rules) => {
        expect(derivedName(service, resource, one, rules)).toBe(derivedName(service, resource, one, rules));
        fc.pre(one.slice(-8) !== other.slice(-8));
        expect(derivedName(service, resource, one, rules)).not.toBe(derivedName(service, resource, other, rules));
      }),
    );
  });

  it("tells the resources of one intent apart, whose ids begin alike", () => {
    const derived = Array.from({ length: 1000 }, () =>
      derivedName("orders", "db", uuidv7(), { maxLength: 63, separator: "-" }),
    );
    expect(new Set(derived).size).toBe(1000);
  });

  it.each<[string, string, NameAlphabet, string]>([
    ["orders", "db", { maxLength: 63, separator: "-" }, "orders-db-0242ac12"],
    ["orders", "db-url", { maxLength: 63, separator: "_" }, "orders_db_url_0242ac12"],
    ["orders", "db-url", { maxLength: 63, separator: "" }, "ordersdburl0242ac12"],
    ["a--b", "c", { maxLength: 63, separator: "-" }, "a-b-c-0242ac12"],
    ["orders", "archive", { maxLength: 16, separator: "-" }, "orders-0242ac12"],
  ])("of %s's %s under %j is %s", (service, resource, rules, derived) =>
    expect(derivedName(service, resource, "0192f3c1-7a10-7c3e-9a51-7a100242ac12", rules)).toBe(derived),
  );
});

describe("a name", () => {
  it.each(["a", "orders", "db-url", "a1", "a".repeat(40)])("%j is one", (text) => expect(text).toMatch(namePattern));
  it.each([
    "",
    "A",
    "1a",
    "-a",
    "a-",
    "a_b",
    "a b",
    "a\n",
    "é",
    "a".repeat(41),
    "__proto__",
    "${x}",
    "a'--",
    "🦜",
    "a/b",
  ])("%j is none", (text) => expect(text).not.toMatch(namePattern));
});
