import { describe, expect, it } from "vitest";
import { z } from "zod";
import { operationRef } from "../../functions/task.ts";
import type { State } from "../../local/step-functions/definition.ts";
import { counts } from "../../scripts/cost/counts.ts";
import { readDefinition, runScenario } from "./run-scenario.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

/** All that may pass between states and into functions: ids, the epoch, counts, hashes and names of errors. */
const payloads: { readonly [name: string]: z.ZodType } = {
  "claim-operation": operationRef.strict(),
  "observe-resource": operationRef.strict(),
  "apply-resource": operationRef
    .extend({
      step: z.strictObject({
        next: z.literal("apply"),
        identifier: z.string().nullable(),
        sentHash: z.string(),
      }),
    })
    .strict(),
  "release-operation": operationRef.extend({ error: z.string() }).strict(),
  "start-operations": z.strictObject({ startable: z.array(operationRef.strict()) }),
  "claim-drift": z.strictObject({ run: z.uuid().optional() }),
  "observe-drift": z.strictObject({
    run: z.uuid(),
    batch: z.array(z.strictObject({ team: z.string(), id: z.uuid() })),
  }),
  "report-drift": z.strictObject({ run: z.uuid() }),
};

describe.each(["reconcile", "drift"] as const)("the state machine %s", (machine) => {
  const of = scenarios.filter((scenario) => scenario.machine === machine);

  it.each(of.map((scenario) => [scenario.title, scenario] as const))("%s", async (_title, scenario) => {
    const seen = await runScenario(scenario);
    expect(seen.states).toEqual(scenario.states);
    expect(seen.end).toEqual(scenario.end);
    for (const [name, calls] of Object.entries(scenario.calls ?? {}))
      expect(
        seen.events.filter((event) => event.name === name),
        `calls of ${name}`,
      ).toHaveLength(calls);
    for (const { name, event } of seen.events) expect(() => payloads[name]?.parse(event), name).not.toThrow();
  });

  it("has a scenario for each way from one state to another", () => {
    const ways = Object.entries(readDefinition(machine).States).flatMap(([name, state]) =>
      nextOf(state).map((next) => `${name} → ${next}`),
    );
    const gone = of.flatMap(({ states }) => states.slice(1).map((state, index) => `${states[index]} → ${state}`));
    expect(new Set(gone)).toEqual(new Set(ways));
  });

  it("has a scenario for each error that a state retries or catches by name", () => {
    const named = Object.entries(readDefinition(machine).States).flatMap(([state, { Resource = "", ...fields }]) =>
      [...listOf(fields, "Retry"), ...listOf(fields, "Catch")]
        .flatMap(({ ErrorEquals }) => ErrorEquals)
        .filter((error) => error !== "States.ALL")
        .map((error) => ({ state, name: Resource.slice(2, -1), error })),
    );
    const isThrown = ({ state, name, error }: (typeof named)[number]) =>
      of.some(
        ({ states, answers }) =>
          states.includes(state) &&
          Object.entries(answers).some(
            ([other, list]) => other === name && list.some((answer) => "error" in answer && answer.error === error),
          ),
      );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((each) => !isThrown(each))).toEqual([]);
  });

  it("has a scenario for each task that hangs", () => {
    const tasks = Object.values(readDefinition(machine).States).flatMap(({ Resource }) => Resource?.slice(2, -1) ?? []);
    const hang = of.flatMap(({ answers }) =>
      Object.entries(answers).flatMap(([name, list]) => (list.some((answer) => "hangs" in answer) ? [name] : [])),
    );
    expect(new Set(hang)).toEqual(new Set(tasks));
  });
});

describe("state transitions, which AWS bills", () => {
  const made = (title: string) => scenarios.find((scenario) => scenario.title === title) as Scenario;
  const count = async (title: string) => (await runScenario(made(title))).states.length;

  it("are at most ten for a resource with one wait, whether it starts others or not", async () => {
    expect(await count("makes a resource with one wait")).toBeLessThanOrEqual(10);
    expect(await count("makes a resource that others wait for")).toBeLessThanOrEqual(10);
    expect(await count("makes a resource with one wait")).toBe(counts.change.transitions);
  });

  it("are at most three for each further look", async () => {
    const further =
      (await count("looks once more while the provider is at it")) - (await count("makes a resource with one wait"));
    expect(further).toBeGreaterThan(0);
    expect(further).toBeLessThanOrEqual(3);
  });

  it("are at most two when the claim is lost", async () => {
    expect(await count("has nothing to do when the claim is lost")).toBeLessThanOrEqual(2);
  });
});

type Handled = { ErrorEquals: string[]; Next?: string };

function listOf(state: Omit<State, "Resource">, field: "Retry" | "Catch"): Handled[] {
  return (state[field] as Handled[] | undefined) ?? [];
}

function nextOf(state: State): string[] {
  const choices = (state.Choices as { Next: string }[] | undefined) ?? [];
  const all = [
    state.Next,
    state.Default,
    ...choices.map(({ Next }) => Next),
    ...listOf(state, "Catch").map(({ Next }) => Next),
  ];
  return all.filter((next) => typeof next === "string");
}
