import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { machines } from "../../../functions/manifest.ts";
import { prepareDefinition } from "../../../local/step-functions/definition.ts";

/** It ships no types. */
type AslValidator = (definition: object) => { isValid: boolean; errorsText(separator: string): string };
const aslValidator = createRequire(import.meta.url)("asl-validator") as AslValidator;
const functionArn = (name: string) => `arn:aws:lambda:eu-central-1:000000000000:function:${name}`;

describe.each(Object.entries(machines))("the state machine %s", (name, { definition, tasks }) => {
  const read = () => readFileSync(new URL(`../../../${definition}`, import.meta.url), "utf8");

  it("is valid Amazon States Language, and runs here as it does on AWS", () => {
    const prepared = prepareDefinition(name, JSON.parse(read()), functionArn);
    const { isValid, errorsText } = aslValidator(prepared);
    expect(errorsText("\n")).toBe("");
    expect(isValid).toBe(true);
  });

  it("names the functions that the manifest says it runs, and no others", () => {
    const named = Array.from(read().matchAll(/\$\{([^{}]*)\}/g), ([, placeholder]) => placeholder);
    expect(new Set(named)).toEqual(new Set(tasks));
  });
});
