import { describe, expect, it } from "vitest";
import { observeDrift } from "../../control/observe-drift.ts";
import { staleSeconds } from "../../control/pace.ts";
import type { Observation, Provider, ProviderCall } from "../../core/provider.ts";
import type { DriftSight, DriftStore, DriftWork } from "../../core/store.ts";
import { definitionOf, idOf } from "./inputs.ts";
import { attributes, transient } from "./reconciling.ts";

const run = idOf(500);
const difference = { pointer: "/Status", expected: "Enabled", actual: "Suspended" };

function workOf(name: string, more: Partial<DriftWork> = {}): DriftWork {
  return {
    team: "payments",
    id: `id-of-${name}`,
    generation: 2,
    definition: definitionOf(name),
    sentHash: "hash",
    identifier: name,
    service: "orders",
    environment: "staging",
    name,
    dependencies: {},
    target: { region: "eu-central-1" },
    readySeconds: 3600,
    ...more,
  };
}

function scene(works: DriftWork[], see: (call: ProviderCall) => Promise<Observation> | Observation) {
  const calls: string[] = [];
  const recorded: DriftSight[] = [];
  const looked: ProviderCall[] = [];
  let active = 0;
  let mostAtOnce = 0;
  const store: DriftStore = {
    claimDrift: () => Promise.reject(new Error("not asked for here")),
    closeDrift: () => Promise.reject(new Error("not asked for here")),
    async driftWork() {
      calls.push("driftWork");
      return works;
    },
    async recordDrift(_, sights) {
      calls.push("recordDrift");
      recorded.push(...sights);
    },
  };
  const never = () => Promise.reject(new Error("drift changes nothing"));
  const aws: Provider = {
    name: "aws",
    apply: never,
    destroy: never,
    async observe(call) {
      looked.push(call);
      active += 1;
      mostAtOnce = Math.max(mostAtOnce, active);
      await new Promise(setImmediate);
      active -= 1;
      return see(call);
    },
  };
  const slept: number[] = [];
  const sleep = async (seconds: number) => void slept.push(seconds);
  const deps = { store, providers: { aws }, parallel: 5, providerSeconds: 20, sleep };
  const observe = () =>
    observeDrift(
      deps,
      run,
      works.map(({ team, id }) => ({ team, id })),
    );
  return { observe, calls, recorded, looked, slept, peak: () => mostAtOnce };
}

describe("looking for drift", () => {
  it.each<[string, Observation, object]>([
    [
      "finds nothing where all is as wanted",
      { state: "ready", identifier: "a", attributes },
      { seen: true, differences: [] },
    ],
    [
      "finds what differs",
      { state: "drifted", identifier: "a", attributes, differences: [difference] },
      { seen: true, differences: [difference] },
    ],
    [
      "finds what is gone",
      { state: "absent" },
      { seen: true, differences: [{ pointer: "", expected: "present", actual: "absent" }] },
    ],
    [
      "finds what is gone, after a look through a long list",
      { state: "absent", beyond: 14 },
      { seen: true, differences: [{ pointer: "", expected: "present", actual: "absent" }], beyond: 14 },
    ],
    [
      "sees nothing in a list that is too long",
      { state: "unknown", failure: transient, retryAfterSeconds: null, beyond: 59 },
      { seen: false, beyond: 59 },
    ],
    ["sees nothing while something is under way", { state: "progressing", retryAfterSeconds: 1 }, { seen: false }],
    [
      "sees nothing in a look that failed (F14)",
      { state: "unknown", failure: transient, retryAfterSeconds: null },
      { seen: false },
    ],
  ])("%s, for two calls", async (_reason, observation, sight) => {
    const { observe, calls, recorded } = scene([workOf("a")], () => observation);
    const { seen } = sight as { seen: boolean };
    expect(await observe()).toEqual({ seen: seen ? 1 : 0, unseen: seen ? 0 : 1 });
    expect(recorded).toEqual([{ team: "payments", id: "id-of-a", generation: 2, ...sight }]);
    expect(calls).toEqual(["driftWork", "recordDrift"]);
  });

  it.each<[string, Partial<DriftWork>, number]>([
    ["without a target", { target: null }, 0],
    ["whose record holds no definition", { definition: null as never }, 0],
    ["of a provider that this Cairn does not have", { definition: definitionOf("a", { provider: "azure" }) }, 0],
    [
      "with an output that is not known",
      { definition: definitionOf("a", { properties: { Url: "${resources.db.outputs.url}" } }) },
      0,
    ],
  ])("sees nothing of a resource %s, and asks nobody", async (_reason, more, looks) => {
    const { observe, recorded, looked } = scene([workOf("a", more)], () => ({ state: "absent" }));
    expect(await observe()).toEqual({ seen: 0, unseen: 1 });
    expect(recorded).toMatchObject([{ seen: false }]);
    expect(looked).toHaveLength(looks);
  });

  it("keeps as much of what it found as a row and a request hold, and says what it left out", async () => {
    const many = Array.from({ length: 200 }, (_, index) => ({ ...difference, pointer: `/Rules/${index}` }));
    const large = { pointer: "/Large", expected: [], actual: ["x".repeat(500_000)] };
    const deep = { ...difference, pointer: `/Deep/${"n".repeat(5000)}` };
    const wide = Array.from({ length: 90 }, (_, index) => ({
      ...large,
      pointer: `/W/${index}`,
      actual: "x".repeat(7000),
    }));
    const drifted = (differences: (typeof many)[number][]) =>
      ({ state: "drifted", identifier: "a", attributes, differences }) as Observation;
    const shown: { [name: string]: unknown } = {
      many,
      large: [large],
      deep: [deep],
      wide,
      long: [{ ...deep, pointer: `/${"n".repeat(400)}` }],
    };
    const works = Object.keys(shown).map((name) => workOf(name));
    const { observe, recorded } = scene(works, ({ name }) => drifted(shown[name] as typeof many));
    await observe();
    const kept = new Map(recorded.map((sight) => [sight.id, sight.seen ? sight.differences : []]));
    expect(kept.get("id-of-many")).toEqual(many.slice(0, 100));
    expect(kept.get("id-of-large")).toEqual([{ ...large, actual: "(500004 bytes of JSON: too much to be kept here)" }]);
    expect(kept.get("id-of-deep")).toEqual([{ ...deep, pointer: "/Deep" }]);
    expect(kept.get("id-of-wide")).toHaveLength(90);
    expect(JSON.stringify(kept.get("id-of-wide")).length).toBeLessThan(120_000);
    expect(kept.get("id-of-long")?.[0]?.pointer).toHaveLength(300);
  });

  it("is not ended by one provider that throws", async () => {
    const { observe, recorded } = scene([workOf("a"), workOf("b")], ({ name }) => {
      if (name === "a") throw new TypeError("a fault of the provider's code");
      return { state: "ready", identifier: name, attributes };
    });
    expect(await observe()).toEqual({ seen: 1, unseen: 1 });
    expect(recorded.map(({ id, seen }) => [id, seen]).toSorted()).toEqual([
      ["id-of-a", false],
      ["id-of-b", true],
    ]);
  });

  it("looks a second time for what was READY just now, when its grace is over (F15)", async () => {
    const fresh = [workOf("a", { readySeconds: 4 }), workOf("b", { readySeconds: 9 }), workOf("c"), workOf("d")];
    const seen: string[] = [];
    const { observe, recorded, looked, slept } = scene(fresh, ({ name }) => {
      const again = seen.includes(name);
      seen.push(name);
      return name === "d" || (name === "a" && again)
        ? { state: "ready", identifier: name, attributes }
        : { state: "absent" };
    });
    expect(await observe()).toEqual({ seen: 4, unseen: 0 });
    expect(slept).toEqual([staleSeconds - 4]);
    expect(looked.map(({ name }) => name)).toEqual(["a", "b", "c", "d", "a", "b"]);
    const gone = [{ pointer: "", expected: "present", actual: "absent" }];
    expect(recorded.map((sight) => sight.seen && sight.differences)).toEqual([[], gone, gone, []]);
  });

  it("looks at each resource once and at five at a time", async () => {
    const works = Array.from({ length: 23 }, (_, index) => workOf(`r${index}`));
    const { observe, looked, recorded, peak } = scene(works, () => ({ state: "ready", identifier: "x", attributes }));
    expect(await observe()).toEqual({ seen: 23, unseen: 0 });
    expect(new Set(looked.map(({ name }) => name)).size).toBe(23);
    expect(looked).toHaveLength(23);
    expect(recorded).toHaveLength(23);
    expect(peak()).toBe(5);
  });

  it("shows the provider the values as they are now, and no request under way", async () => {
    const definition = definitionOf("a", { properties: { Url: "${resources.db.outputs.url}" } });
    const { observe, looked } = scene([workOf("a", { definition, dependencies: { db: { url: "u" } } })], () => ({
      state: "absent",
    }));
    await observe();
    expect(looked).toMatchObject([
      {
        desired: { Url: "u" },
        request: null,
        tokenAgeSeconds: null,
        sentHash: "hash",
        identifier: "a",
        signal: expect.any(AbortSignal),
      },
    ]);
  });
});
