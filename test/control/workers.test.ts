import { describe, expect, it } from "vitest";
import { claimOperation } from "../../control/claim-operation.ts";
import { paceOf } from "../../control/pace.ts";
import { releaseOperation } from "../../control/release-operation.ts";
import { startOperations } from "../../control/start-operations.ts";
import { sweep } from "../../control/sweep.ts";
import type { Executions } from "../../core/executions.ts";
import type { OperationRef } from "../../core/operation.ts";
import type { ClaimResult, WorkerStore } from "../../core/store.ts";
import { idOf } from "./inputs.ts";
import { next, reconciling, ref } from "./reconciling.ts";

const pace = paceOf(60);
const refs = (count: number, first = 0): OperationRef[] =>
  Array.from({ length: count }, (_, index) => ({ team: "payments", operation: idOf(first + index), epoch: 1 }));

describe("claiming", () => {
  it.each<[ClaimResult["outcome"], "observe" | "end"]>([
    ["claimed", "observe"],
    ["lost", "end"],
    ["blocked", "end"],
    ["waiting", "end"],
  ])("that is %s goes on to %s, for one call", async (outcome, goesOn) => {
    const asked: unknown[] = [];
    const claim: WorkerStore["claim"] = async (...given) => {
      asked.push(given);
      return { outcome };
    };
    expect(await claimOperation({ store: { ...reconciling({}).deps.store, claim }, pace }, ref)).toEqual({
      next: goesOn,
    });
    expect(asked).toEqual([[ref, 60]]);
  });
});

describe("releasing", () => {
  it("lets the operation wait, or fail once that was too often, and keeps of the error its name alone", async () => {
    const scene = reconciling({});
    expect(await releaseOperation(scene.deps, ref, "TypeError")).toEqual({ next: "end" });
    expect(scene.written).toEqual([
      {
        to: "stumbled",
        error: "TypeError",
        reason: {
          code: "NEEDS_ATTENTION",
          message: "Working on it ended in the same unexpected error (TypeError) 5 times.",
          retryAt: null,
        },
        delaySeconds: 15,
        limit: 5,
      },
    ]);
    expect(scene.calls).toEqual(["advance"]);
  });

  it("keeps even a name short", async () => {
    const scene = reconciling({});
    await releaseOperation(scene.deps, ref, "x".repeat(10_000));
    expect(JSON.stringify(scene.written).length).toBeLessThan(500);
  });

  it("starts what its failure made startable, and ends when the lease is lost", async () => {
    const starting = reconciling({ write: [next] });
    expect(await releaseOperation(starting.deps, ref, "E")).toEqual({ next: "start", startable: [next] });
    expect(await releaseOperation(reconciling({ write: "lost" }).deps, ref, "E")).toEqual({ next: "end" });
  });
});

describe("starting", () => {
  it("names an execution after the operation and its epoch, and gives it ids only", async () => {
    const given: unknown[] = [];
    const executions: Executions = {
      async start(...all) {
        given.push(all);
        return "started";
      },
    };
    expect(await startOperations(executions, [ref])).toBe(1);
    expect(given).toEqual([
      ["reconcile", `${ref.operation}-4`, { team: "payments", operation: ref.operation, epoch: 4 }],
    ]);
  });

  it("counts what it started: not what another had started, nor what failed, nor does either hold up the rest", async () => {
    const answers = ["started", "exists", new Error("throttled"), "started"];
    const executions: Executions = {
      async start() {
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        return answer as "started" | "exists";
      },
    };
    expect(await startOperations(executions, refs(4))).toBe(2);
    expect(answers).toEqual([]);
  });
});

describe("a sweep", () => {
  function scene(batches: OperationRef[][]) {
    const asked: object[] = [];
    const started: string[] = [];
    const store: WorkerStore = {
      ...reconciling({}).deps.store,
      async sweep(limits) {
        asked.push(limits);
        return batches.shift() ?? [];
      },
    };
    const executions: Executions = {
      async start(_machine, name) {
        started.push(name);
        return "started";
      },
    };
    return { deps: { store, executions, pace }, run: () => sweep({ store, executions, pace }), asked, started };
  }

  it("costs one call when there is nothing to do", async () => {
    const { run, asked, started } = scene([]);
    expect(await run()).toEqual({ due: 0, started: 0 });
    expect(asked).toEqual([{ batch: 100, graceSeconds: 60 }]);
    expect(started).toEqual([]);
  });

  it("goes on while batches are full", async () => {
    const { run, asked, started } = scene([refs(100), refs(3, 100)]);
    expect(await run()).toEqual({ due: 103, started: 103 });
    expect(asked).toHaveLength(2);
    expect(new Set(started).size).toBe(103);
  });

  it("goes on at the pace of the budgets while they let something through, and ends when nothing is let through", async () => {
    const { deps, asked, started } = scene([refs(2), refs(3, 2)]);
    const slept: number[] = [];
    const sleep = async (seconds: number) => void slept.push(seconds);
    expect(await sweep({ ...deps, patience: { seconds: 45, sleep } })).toEqual({ due: 5, started: 5 });
    // A probe that was let through may have its answer within the next six rounds.
    expect(asked).toHaveLength(2 + 7);
    expect(slept).toEqual(Array(8).fill(1));
    expect(started).toHaveLength(5);
  });

  it("goes on after a round in which nothing could, when the answer of a probe lets everything through", async () => {
    const { deps, started } = scene([refs(1), [], [], refs(40, 1)]);
    expect(await sweep({ ...deps, patience: { seconds: 45, sleep: async () => {} } })).toEqual({
      due: 41,
      started: 41,
    });
    expect(started).toHaveLength(41);
  });

  it("does not wait when there is nothing to do, nor longer than it has", async () => {
    const idle = scene([]);
    const slept: number[] = [];
    const sleep = async (seconds: number) => void slept.push(seconds);
    expect(await sweep({ ...idle.deps, patience: { seconds: 45, sleep } })).toEqual({ due: 0, started: 0 });
    expect(slept).toEqual([]);
    const busy = scene(Array.from({ length: 99 }, (_, index) => refs(1, index)));
    await sweep({ ...busy.deps, patience: { seconds: 45, sleep } });
    expect(slept).toHaveLength(45);
    expect(busy.asked).toHaveLength(46);
  });

  it("ends after ten rounds, so that it ends before the next one begins", async () => {
    const { run, asked } = scene(Array.from({ length: 50 }, (_, index) => refs(100, index * 100)));
    expect(await run()).toEqual({ due: 1000, started: 1000 });
    expect(asked).toHaveLength(10);
  });
});
