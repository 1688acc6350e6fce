import { describe, expect, it } from "vitest";
import { abandonResource } from "../../control/abandon-resource.ts";
import { retryResource } from "../../control/retry-resource.ts";
import type { Executions } from "../../core/executions.ts";
import type { AbandonResult, ApiStore, RetryResult } from "../../core/store.ts";
import { idOf } from "./inputs.ts";
import { next } from "./reconciling.ts";

const caller = { subject: "dora", role: "developer", team: "payments" } as const;
const scope = { team: "payments" };

function scene(answer: RetryResult | AbandonResult, start: Executions["start"] = async () => "started") {
  const started: string[] = [];
  const store = { retryResource: async () => answer, abandonResource: async () => answer } as unknown as ApiStore;
  const executions: Executions = {
    start(machine, name, input) {
      started.push(name);
      return start(machine, name, input);
    },
  };
  return { deps: { store, executions }, started };
}

describe("a retry", () => {
  it("starts what can start", async () => {
    const { deps, started } = scene({ outcome: "retried", startable: [next] });
    expect(await retryResource(deps, caller, scope, idOf(1))).toEqual({ outcome: "retried" });
    expect(started).toEqual([`${next.operation}-1`]);
  });

  it("is promised even when the start fails: the sweep makes it good", async () => {
    const { deps } = scene({ outcome: "retried", startable: [next] }, () => Promise.reject(new Error("down")));
    expect(await retryResource(deps, caller, scope, idOf(1))).toEqual({ outcome: "retried" });
  });

  it.each<RetryResult>([{ outcome: "not-found" }, { outcome: "not-failed", status: "READY" }])(
    "that is $outcome starts nothing",
    async (answer) => {
      const { deps, started } = scene(answer);
      expect(await retryResource(deps, caller, scope, idOf(1))).toEqual(answer);
      expect(started).toEqual([]);
    },
  );
});

describe("abandoning", () => {
  it("starts what waited for the end", async () => {
    const { deps, started } = scene({ outcome: "abandoned", orphan: idOf(2), startable: [next] });
    expect(await abandonResource(deps, caller, "platform", idOf(1))).toMatchObject({ outcome: "abandoned" });
    expect(started).toEqual([`${next.operation}-1`]);
  });

  it.each<AbandonResult>([
    { outcome: "not-found" },
    { outcome: "gone" },
    { outcome: "referenced", by: ["url"], more: 0 },
  ])("that is $outcome starts nothing", async (answer) => {
    const { deps, started } = scene(answer);
    expect(await abandonResource(deps, caller, "platform", idOf(1))).toEqual(answer);
    expect(started).toEqual([]);
  });
});
