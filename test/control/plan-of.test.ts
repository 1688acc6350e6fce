import { describe, expect, it } from "vitest";
import type { DecidedChange } from "../../control/decide-changes.ts";
import { planOf } from "../../control/plan-of.ts";
import type { Definition } from "../../core/definition.ts";
import type { Intent } from "../../core/intent.ts";
import { hashOf, type JsonObject } from "../../core/json.ts";
import { applying, contextOf, definitionOf, deleting, existing, violation } from "./inputs.ts";

const verdict = { allow: true, violations: [], warnings: [], inputHash: "" };

function changeOf(
  name: string,
  change: DecidedChange["change"],
  before: JsonObject | null,
  more: Partial<Definition> = {},
) {
  const definition = definitionOf(name, more);
  const stood = before === null ? null : existing(name, { definition: definitionOf(name, { properties: before }) });
  return {
    id: `id-of-${name}`,
    name,
    change,
    before: stood,
    definition,
    hash: hashOf(name),
    dependsOn: [] as string[],
  };
}

const differencesOf = (change: DecidedChange, intent: Intent = applying({})) =>
  planOf(intent, [change], contextOf(), verdict).resources[0]?.differences;

describe("a plan", () => {
  it("shows each property of what is made", () => {
    const properties = { Name: "a", Tags: [{ Key: "k" }], Nested: { "a/b": 1, Empty: {} } };
    expect(differencesOf(changeOf("a", "create", null, { properties }))).toEqual([
      { pointer: "/Name", before: null, after: "a" },
      { pointer: "/Nested/Empty", before: null, after: {} },
      { pointer: "/Nested/a~1b", before: null, after: 1 },
      { pointer: "/Tags", before: null, after: [{ Key: "k" }] },
    ]);
  });

  it("shows of an update what differs and nothing else", () => {
    const before = { Same: { A: [1] }, Gone: "x", Changed: { A: 1, B: 2 }, Kind: { A: 1 } };
    const properties = { Same: { A: [1] }, Changed: { A: 1, B: 3 }, Added: { C: true }, Kind: "text" };
    expect(differencesOf(changeOf("a", "update", before, { properties }))).toEqual([
      { pointer: "/Added/C", before: null, after: true },
      { pointer: "/Changed/B", before: 2, after: 3 },
      { pointer: "/Gone", before: "x", after: null },
      { pointer: "/Kind", before: { A: 1 }, after: "text" },
    ]);
  });

  it("shows each property of what goes away", () => {
    const change = changeOf("a", "delete", { A: {}, B: 1 }, { properties: { A: {}, B: 1 } });
    expect(differencesOf(change, deleting(["a"]))).toEqual([
      { pointer: "/A", before: {}, after: null },
      { pointer: "/B", before: 1, after: null },
    ]);
  });

  it("takes a property named __proto__ for what it is", () => {
    const properties = JSON.parse('{"__proto__":"x"}') as JsonObject;
    expect(differencesOf(changeOf("a", "update", {}, { properties }))).toEqual([
      { pointer: "/__proto__", before: null, after: "x" },
    ]);
  });

  it("shows nothing of what stays", () => {
    expect(differencesOf(changeOf("a", "none", { A: 1 }, { properties: { A: 1 } }))).toEqual([]);
  });

  it("names what each resource depends on, in the intent or outside", () => {
    const app = { ...changeOf("app", "create", null), dependsOn: ["id-of-db", "id-of-old", "nobody"] };
    const plan = planOf(applying({}), [app, changeOf("db", "create", null)], contextOf([existing("old")]), verdict);
    expect(plan.resources[0]?.dependsOn).toEqual(["db", "old", "nobody"]);
  });

  it.each<[string, Definition["monthlyPrice"][], { amount: number; currency: string } | null]>([
    [
      "adds up in cents, not in binary fractions",
      [
        { amount: 0.1, currency: "USD" },
        { amount: 0.2, currency: "USD" },
      ],
      { amount: 0.3, currency: "USD" },
    ],
    ["leaves out what has none", [{ amount: 5, currency: "USD" }, null], { amount: 5, currency: "USD" }],
    [
      "adds no two currencies",
      [
        { amount: 5, currency: "USD" },
        { amount: 5, currency: "EUR" },
      ],
      null,
    ],
    ["knows none where there is none", [null], null],
  ])("'s price %s", (_reason, prices, sum) => {
    const changes = prices.map((monthlyPrice, index) => changeOf(`r${index}`, "create", null, { monthlyPrice }));
    expect(planOf(applying({}), changes, contextOf(), verdict).monthlyPrice).toEqual(sum);
    expect(planOf(deleting(null), changes, contextOf(), verdict).monthlyPrice).toBeNull();
  });

  it("carries what policy said", () => {
    const said = {
      allow: false,
      violations: [violation("region", "a")],
      warnings: [violation("owner", "a")],
      inputHash: "",
    };
    const { inputHash: _, ...shown } = said;
    expect(planOf(applying({}), [], contextOf(), said)).toMatchObject(shown);
  });
});
