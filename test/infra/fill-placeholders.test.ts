import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { machines } from "../../functions/manifest.ts";
import { fillPlaceholders } from "../../infra/fill-placeholders.ts";

describe("a definition's placeholders", () => {
  test("become the functions' ARNs", () => {
    const filled = fillPlaceholders("x.asl.json", '{"a":"${claim}","b":"${claim}"}', { claim: "arn:claim" });
    expect(JSON.parse(filled)).toEqual({ a: "arn:claim", b: "arn:claim" });
  });

  test("stop synth where one has no function", () => {
    expect(() => fillPlaceholders("x.asl.json", "${claim} ${toString}", { claim: "arn" })).toThrow(
      "x.asl.json: ${toString} is not a task of this machine",
    );
  });

  test("stop synth where a function is granted and never called", () => {
    expect(() => fillPlaceholders("x.asl.json", "${claim}", { claim: "arn", other: "arn" })).toThrow(
      "x.asl.json: never uses other",
    );
  });

  test.each(Object.entries(machines))("%s's committed definition fits the manifest", (_, { definition, tasks }) => {
    const text = readFileSync(new URL(`../../${definition}`, import.meta.url), "utf8");
    const filled = fillPlaceholders(definition, text, Object.fromEntries(tasks.map((task) => [task, `arn:${task}`])));
    expect(JSON.parse(filled)).toHaveProperty("TimeoutSeconds");
  });
});
