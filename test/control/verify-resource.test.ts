import { expect, it } from "vitest";
import { LookNotStarted, verifyResource } from "../../control/verify-resource.ts";
import type { Executions } from "../../core/executions.ts";
import type { ApiStore } from "../../core/store.ts";
import { idOf } from "./inputs.ts";

function scene(opened: Awaited<ReturnType<ApiStore["openVerification"]>>, refusal?: Error) {
  const started: unknown[] = [];
  const withdrawn: unknown[] = [];
  const asked: unknown[] = [];
  const store = {
    async openVerification(...given: unknown[]) {
      asked.push(given);
      return opened;
    },
    async withdrawVerification(...given: unknown[]) {
      withdrawn.push(given);
    },
  } as unknown as ApiStore;
  const executions: Executions = {
    async start(...given) {
      if (refusal !== undefined) throw refusal;
      started.push(given);
      return "started";
    },
  };
  const caller = { subject: "ada", role: "developer" as const, team: "payments" };
  const scope = { team: "payments" };
  const verify = () => verifyResource({ store, executions, newId: () => idOf(1) }, caller, scope, idOf(2));
  return { verify, started, asked, withdrawn, caller, scope };
}

it("opens a run for the resource and starts the drift machine under the run's id", async () => {
  const { verify, started, asked, withdrawn, caller, scope } = scene("opened");
  expect(await verify()).toEqual({ outcome: "started", reportId: idOf(1) });
  expect(asked).toEqual([[scope, caller, idOf(1), idOf(2)]]);
  expect(started).toEqual([["drift", idOf(1), { run: idOf(1) }]]);
  expect(withdrawn).toEqual([]);
});

it("takes the run back when the machine cannot be started, and says so", async () => {
  const cause = new Error("Rate exceeded");
  const { verify, withdrawn, scope } = scene("opened", cause);
  await expect(verify()).rejects.toThrow(LookNotStarted);
  await expect(verify()).rejects.toMatchObject({ cause });
  expect(withdrawn[0]).toEqual([scope, idOf(1)]);
});

it.each(["not-found", "not-ready", "too-many"] as const)("starts nothing for a resource that is %s", async (opened) => {
  const { verify, started } = scene(opened);
  expect(await verify()).toEqual({ outcome: opened });
  expect(started).toEqual([]);
});
