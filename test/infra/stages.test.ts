import { describe, expect, test } from "vitest";
import { readStage } from "../../infra/stages/read-stage.ts";
import { parseStage } from "../../infra/stages/stage.ts";

const good = readStage("development");

describe("a stage", () => {
  test.each(["development", "production"])("%s can be used", (name) => {
    expect(readStage(name).name).toBe(name);
  });

  test.each(["prod", "constructor", "", 7])("%s is unknown: the error lists those there are", (name) => {
    expect(() => readStage(name)).toThrow("no such stage, infra/stages/ has development, production");
  });

  test.each([
    { change: { issuer: "http://login.example.com" }, names: "issuer: must be an https URL" },
    { change: { audience: [] }, names: "audience: " },
    { change: { issuers: "https://login.example.com" }, names: 'Unrecognized key: "issuers"' },
    { change: { name: "Production" }, names: "name: lower-case letters" },
    { change: { targetAccounts: ["12"] }, names: "targetAccounts.0: an account id has 12 digits" },
    { change: { store: { ...good.store, minCapacity: 4 } }, names: "store.minCapacity: must not be above maxCapacity" },
    { change: { store: { ...good.store, maxCapacity: 0.7 } }, names: "store.maxCapacity: " },
    { change: { driftIntervalSeconds: 1 }, names: "driftIntervalSeconds: " },
  ])("is refused with file and key: $names", ({ change, names }) => {
    const parse = () => parseStage("infra/stages/x.ts", { ...good, ...change });
    expect(parse).toThrow("infra/stages/x.ts");
    expect(parse).toThrow(names);
  });
});
