import { expect, test } from "vitest";
import { createFailureReport } from "../../local/report-failures.ts";

test("a full disk is told once a minute in one line, and every failure is in the log", () => {
  const logged: string[] = [];
  const told: string[] = [];
  let at = 0;
  const report = createFailureReport(
    "/home/of/cairn",
    (line) => logged.push(line),
    (line) => told.push(line),
    () => at,
  );
  const full = Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
  report("cloud-control", full);
  report("secrets-manager", full);
  report("sts", new TypeError("a fault of ours"));
  at = 60_000;
  report("cloud-control", full);
  const line =
    "cairn: the disk of /home/of/cairn is full: free some space, or start with another CAIRN_HOME on another disk";
  expect(told).toEqual([line, line]);
  expect(logged.map((entry) => entry.split("\n", 1)[0])).toEqual([
    "cloud-control: Error: database or disk is full",
    "secrets-manager: Error: database or disk is full",
    "sts: TypeError: a fault of ours",
    "cloud-control: Error: database or disk is full",
  ]);
});
