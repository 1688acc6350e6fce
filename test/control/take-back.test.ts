import { describe, expect, test } from "vitest";
import { observeResource } from "../../control/observe-resource.ts";
import { attributes, reconciling, ref, workOf } from "./reconciling.ts";

describe("what earlier generations asked for", () => {
  test("is handed to the provider, with the references whose values are known", async () => {
    const applied = [
      { Name: "app", Url: "${resources.db.outputs.url}/orders", Dead: "${resources.gone.outputs.arn}" },
      { Versioned: true },
    ];
    const seen = { state: "ready", identifier: "app", attributes } as const;
    const { deps, provided } = reconciling({ work: workOf({ applied }), seen });
    await observeResource(deps, ref);
    expect(provided[0]?.applied).toEqual([
      { Name: "app", Url: "postgres://db/orders", Dead: "${resources.gone.outputs.arn}" },
      { Versioned: true },
    ]);
  });

  test("never counts among the values that are sent", async () => {
    const seen = { state: "drifted", identifier: "app", attributes, differences: [] } as const;
    const hashes = [];
    for (const applied of [[], [{ Versioned: true }]]) {
      const { deps } = reconciling({ work: workOf({ applied }), seen: { ...seen, differences: [] } });
      const step = await observeResource(deps, ref);
      hashes.push(step.next === "apply" ? step.sentHash : step.next);
    }
    expect(hashes[0]).toBe(hashes[1]);
  });
});
