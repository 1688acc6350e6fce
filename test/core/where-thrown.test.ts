import { expect, test } from "vitest";
import { whereThrown } from "../../core/where-thrown.ts";

test("says where and nothing of what", () => {
  const at = whereThrown(new Error("the password is hunter2"));
  expect(at[0]).toContain("where-thrown.test.ts");
  expect(at.length).toBeLessThanOrEqual(8);
  expect(at.join()).not.toContain("hunter2");
});

test("has nothing to say of what has no stack", () => {
  expect(whereThrown(undefined)).toEqual([]);
  expect(whereThrown(Object.assign(new Error("x"), { stack: undefined as unknown as string }))).toEqual([]);
});
