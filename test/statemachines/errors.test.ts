import { describe, expect, it } from "vitest";
import { StoreUnavailable } from "../../database/data-api.ts";
import { machines } from "../../functions/manifest.ts";
import type { State } from "../../local/step-functions/definition.ts";
import { loadModule } from "../functions/load-function.ts";
import { readDefinition } from "./run-scenario.ts";

const names = Object.keys(machines) as (keyof typeof machines)[];
const statesOf = (machine: keyof typeof machines) => Object.values(readDefinition(machine).States);
const handled = (state: State, field: "Retry" | "Catch") =>
  ((state[field] as { ErrorEquals: string[] }[] | undefined) ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
const all = names.flatMap(statesOf).flatMap((state) => [...handled(state, "Retry"), ...handled(state, "Catch")]);

/** The names as the classes have them, not as this test knows them. */
async function thrown(): Promise<string[]> {
  const { OperationLost } = (await loadModule("claim-operation")) as { OperationLost: new (message: string) => Error };
  return [StoreUnavailable, OperationLost].map((type) => new type("").name);
}

describe.each(names)("the definition of %s", (machine) => {
  it("has an end to every task, and to the whole", () => {
    expect(readDefinition(machine).TimeoutSeconds).toBeTypeOf("number");
    for (const { Type, TimeoutSeconds } of statesOf(machine))
      if (Type === "Task") expect(TimeoutSeconds).toBeGreaterThan(0);
  });
});

describe("an error's name in a definition", () => {
  it("is a service's, or one that the product throws", async () => {
    const known = await thrown();
    expect(all.filter((name) => !/^(States|Lambda|Sandbox)\./.test(name) && !known.includes(name))).toEqual([]);
  });

  it("is there for each error that the product throws at a state machine", async () => {
    for (const name of await thrown()) expect(all).toContain(name);
  });
});

it("waits as long as the step says", () => {
  expect(readDefinition("reconcile").States.Wait).toMatchObject({ Type: "Wait", SecondsPath: "$.step.seconds" });
});

it("asks a provider again only where nothing was run", () => {
  const { Apply } = readDefinition("reconcile").States;
  expect(Apply === undefined ? [] : handled(Apply, "Retry")).toEqual(["Lambda.TooManyRequestsException"]);
});
