import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { alsoLog, log } from "../../functions/log.ts";
import type { FunctionName } from "../../functions/manifest.ts";
import { operationRef, task } from "../../functions/task.ts";
import { type Handler, loadFunction, loadModule } from "./load-function.ts";

const id = "0192f3c1-7a10-7c3e-9a51-000000000001";
const ref = { team: "payments", operation: id, epoch: 1 };
const step = { identifier: null, sentHash: "5".repeat(64) };

let lines: string[] = [];
beforeEach(() => {
  lines = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

describe("a function given what no execution carries", () => {
  const bad: [FunctionName, unknown, string][] = [
    ["claim-operation", {}, "team"],
    ["claim-operation", { ...ref, operation: "'; drop table cairn.operations" }, "operation"],
    ["claim-operation", { ...ref, epoch: 1.5 }, "epoch"],
    ["observe-resource", { ...ref, epoch: "1" }, "epoch"],
    ["apply-resource", ref, "step"],
    ["apply-resource", { ...ref, step: { ...step, identifier: undefined } }, "identifier"],
    ["apply-resource", { ...ref, step: { ...step, sentHash: null } }, "sentHash"],
    ["release-operation", ref, "error"],
    ["start-operations", {}, "startable"],
    ["start-operations", { startable: [ref, { ...ref, operation: 7 }] }, "operation"],
    ["claim-drift", { run: "not an id" }, "run"],
    ["observe-drift", { run: id, batch: [{ team: "payments" }] }, "batch"],
    ["report-drift", {}, "run"],
    ["migrate", { targets: [{ environment: "staging" }] }, "targets"],
    ["rotate-secret", { Step: "dropSecret", SecretId: "arn", ClientRequestToken: "1" }, "Step"],
    ["rotate-secret", { Step: "setSecret", SecretId: "arn" }, "ClientRequestToken"],
  ];

  const loaded = new Map<FunctionName, Promise<Handler>>();
  it.each(bad)("%s refuses %j and names %s", async (name, event, field) => {
    const loading = loaded.get(name) ?? loadFunction(name);
    loaded.set(name, loading);
    const handler = await loading;
    const failed = await handler(event, {}).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failed).toMatchObject({ name: "ZodError", message: expect.stringContaining(`"${field}"`) });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "error", message: `${name} failed`, function: name, error: "ZodError", at: expect.any(Array) },
    ]);
  });
});

describe("a task", () => {
  it("gives its result, and to its work what it parsed alone", async () => {
    const run = vi.fn(async (input: object) => ({ input }));
    const handler = task("claim-operation", operationRef, run);
    expect(await handler({ ...ref, more: 1 }, { awsRequestId: "1" })).toEqual({ input: ref });
    expect(lines).toEqual([]);
  });

  it("has on each of its lines which function and invocation it is and what it works on", async () => {
    const handler = task("apply-resource", operationRef, async () => {
      await new Promise((done) => setTimeout(done, 1));
      log("info", "something happened", { code: "X" });
      alsoLog({ resource: "r-1" });
      throw new Error("lost");
    });
    // Two at once, as a thread serves them locally.
    const other = { ...ref, operation: "0192f3c1-7a10-7c3e-9a51-000000000002", epoch: 2 };
    await Promise.allSettled([handler(ref, { awsRequestId: "1" }), handler(other, { awsRequestId: "2" })]);
    const one = { function: "apply-resource", invocation: "1", ...ref };
    const two = { function: "apply-resource", invocation: "2", ...other };
    const fault = { level: "error", message: "apply-resource failed", error: "Error", at: expect.any(Array) };
    const parsed = lines.map((line) => JSON.parse(line) as object);
    expect(parsed).toHaveLength(4);
    expect(parsed).toEqual(
      expect.arrayContaining([
        { level: "info", message: "something happened", ...one, code: "X" },
        { level: "info", message: "something happened", ...two, code: "X" },
        { ...fault, ...one, resource: "r-1" },
        { ...fault, ...two, resource: "r-1" },
      ]),
    );
  });

  it("writes no error's line of an execution that ends because it has nothing to do", async () => {
    const { OperationLost } = (await loadModule("claim-operation")) as {
      OperationLost: new (message: string) => Error;
    };
    const { task: sameTask } = await import("../../functions/task.ts");
    const handler = sameTask("claim-operation", operationRef, async () => {
      throw new OperationLost("");
    });
    await expect(handler(ref, { awsRequestId: "1" })).rejects.toThrow(OperationLost);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: "info",
        message: "claim-operation ended",
        function: "claim-operation",
        invocation: "1",
        ...ref,
        error: "OperationLost",
      },
    ]);
  });

  it("keeps an error's name, which the state machine goes by, and logs nothing of its message", async () => {
    class StoreUnavailable extends Error {
      override readonly name = "StoreUnavailable";
    }
    const handler = task("sweep", z.unknown(), async () => {
      throw new StoreUnavailable("x".repeat(1000));
    });
    await expect(handler({}, { awsRequestId: "1" })).rejects.toThrow(StoreUnavailable);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: "error", message: "sweep failed", error: "StoreUnavailable", at: expect.any(Array) },
    ]);
    expect(lines.join()).not.toContain("xxx");
  });
});
