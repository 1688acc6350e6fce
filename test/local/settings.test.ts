import { resolve } from "node:path";
import { expect, test } from "vitest";
import { readSettings } from "../../local/settings.ts";

test("what is not set has its default", () => {
  expect(readSettings({})).toEqual({
    home: resolve(".cairn"),
    port: 8787,
    example: true,
    periods: { sweep: 10, drift: 60, measure: 60, housekeeping: 86_400 },
    goldenPaths: undefined,
  });
});

test("what is set counts", () => {
  const set = {
    CAIRN_HOME: "a b",
    PORT: "0",
    CAIRN_EXAMPLE: "off",
    CAIRN_SWEEP_SECONDS: "2",
    CAIRN_GOLDEN_PATHS: "paths",
  };
  expect(readSettings(set)).toMatchObject({
    home: resolve("a b"),
    port: 0,
    example: false,
    periods: { sweep: 2, drift: 60 },
    goldenPaths: resolve("paths"),
  });
});

test.each([
  ["PORT", "abc"],
  ["PORT", "-1"],
  ["PORT", "70000"],
  ["PORT", "80.5"],
  ["CAIRN_SWEEP_SECONDS", "0"],
  ["CAIRN_DRIFT_SECONDS", "ten"],
  ["CAIRN_EXAMPLE", "maybe"],
])("%s=%s is refused by name", (name, value) => {
  expect(() => readSettings({ [name]: value })).toThrow(new RegExp(`^${name} must be .*"${value}"$`));
});
