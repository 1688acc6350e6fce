import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type ExecutionsStore, openExecutionsStore } from "../../../local/step-functions/executions-store.ts";
import { remove, temporaryDirectory } from "./stage.ts";

it("keeps names, results and histories when its process is killed, and aborts what ran", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "executions.sqlite");
  const script = fileURLToPath(new URL("./fixtures/start-and-hang.ts", import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");

  const store = openExecutionsStore(path, 5000);
  expect(store.find("reconcile", "closed")).toMatchObject({ status: "SUCCEEDED", output: '"done"', stoppedAt: 3000 });
  expect(store.find("reconcile", "running")).toMatchObject({ status: "ABORTED", startedAt: 4000, stoppedAt: 5000 });
  expect(store.start("reconcile", "running", "{}", 6000).created).toBe(false);
  expect(typesOf(store, "closed")).toEqual(["ExecutionStarted", "ExecutionSucceeded"]);
  expect(typesOf(store, "running")).toEqual(["ExecutionStarted", "TaskStateEntered", "ExecutionAborted"]);
  expect(history(store, "running").at(-1)).toEqual({
    id: 3,
    previousEventId: 0,
    type: "ExecutionAborted",
    timestamp: 5000,
    details: { executionAbortedEventDetails: { cause: "the process that ran it ended" } },
  });
  store.close();
  remove(directory);
});

it("forgets a history with its execution, 90 days after the end", () => {
  const day = 24 * 60 * 60 * 1000;
  const store = openExecutionsStore(":memory:", 0);
  const { execution } = store.start("reconcile", "old", "{}", 0);
  store.record(execution.id, { id: 1, previousEventId: 0, type: "ExecutionStarted", timestamp: 0, details: {} });
  store.end(execution.id, { status: "TIMED_OUT" }, 0);
  store.start("reconcile", "young", "{}", 90 * day);
  expect(typesOf(store, "old")).toEqual(["ExecutionStarted"]);
  store.start("reconcile", "younger", "{}", 90 * day + 1);
  expect(store.find("reconcile", "old")).toBeUndefined();
  expect(store.history({ execution: execution.id, after: null, reverse: false, limit: 9 })).toEqual([]);
  store.close();
});

it("opens what was kept before there were histories", () => {
  const directory = temporaryDirectory();
  const path = join(directory, "executions.sqlite");
  const before = openExecutionsStore(path, 0);
  before.start("reconcile", "old", "{}", 0);
  before.close();
  const database = new DatabaseSync(path);
  database.exec("drop table events");
  database.close();
  const store = openExecutionsStore(path, 1000);
  expect(store.find("reconcile", "old")).toMatchObject({ status: "ABORTED" });
  expect(typesOf(store, "old")).toEqual(["ExecutionAborted"]);
  store.close();
  remove(directory);
});

it("keeps what could not be written for the next write", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "executions.sqlite");
  const reports: unknown[] = [];
  const store = openExecutionsStore(path, 0, (error) => reports.push(error));
  const { execution } = store.start("reconcile", "one", "{}", 0);
  const blocker = new DatabaseSync(path);
  blocker.exec("begin immediate");
  store.record(execution.id, { id: 1, previousEventId: 0, type: "ExecutionStarted", timestamp: 0, details: {} });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(reports).toHaveLength(1);
  expect(() => store.end(execution.id, { status: "TIMED_OUT" }, 1)).toThrow();
  expect(store.find("reconcile", "one")).toMatchObject({ status: "RUNNING" });
  blocker.exec("rollback");
  blocker.close();
  store.end(execution.id, { status: "TIMED_OUT" }, 2);
  expect(typesOf(store, "one")).toEqual(["ExecutionStarted"]);
  store.close();
  remove(directory);
});

function history(store: ExecutionsStore, name: string) {
  const { id } = store.find("reconcile", name) ?? { id: 0 };
  return store.history({ execution: id, after: null, reverse: false, limit: 100 });
}

function typesOf(store: ExecutionsStore, name: string): string[] {
  return history(store, name).map(({ type }) => type);
}
