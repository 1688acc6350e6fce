import { expect, it } from "vitest";
import { verifyResource } from "../../control/verify-resource.ts";
import type { Executions } from "../../core/executions.ts";
import type { ApiStore } from "../../core/store.ts";
import { idOf } from "./inputs.ts";

function scene(opened: Awaited<ReturnType<ApiStore["openVerification"]>>) {
  const started: unknown[] = [];
  const asked: unknown[] = [];
  const store = {
    async openVerification(...given: unknown[]) {
      asked.push(given);
      return opened;
    },
  } as unknown as ApiStore;
  const executions: Executions = {
    async start(...given) {
      started.push(given);
      return "started";
    },
  };
  const caller = { subject: "ada", role: "developer" as const, team: "payments" };
  const scope = { team: "payments" };
  const verify = () => verifyResource({ store, executions, newId: () => idOf(1) }, caller, scope, idOf(2));
  return { verify, started, asked, caller, scope };
}

it("opens a run for the resource and starts the drift machine under the run's id", async () => {
  const { verify, started, asked, caller, scope } = scene("opened");
  expect(await verify()).toEqual({ outcome: "started", reportId: idOf(1) });
  expect(asked).toEqual([[scope, caller, idOf(1), idOf(2)]]);
  expect(started).toEqual([["drift", idOf(1), { run: idOf(1) }]]);
});

it.each(["not-found", "not-ready", "too-many"] as const)("starts nothing for a resource that is %s", async (opened) => {
  const { verify, started } = scene(opened);
  expect(await verify()).toEqual({ outcome: opened });
  expect(started).toEqual([]);
});
