import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { functions, machines } from "../../functions/manifest.ts";
import { drawDeployment, type Synthesized } from "../../infra/diagram/draw-deployment.ts";
import { fullStage } from "./full-stage.ts";
import { synthesize } from "./synthesize.ts";

let control: Synthesized;

beforeAll(() => {
  control = synthesize(fullStage).control.toJSON() as Synthesized;
});

test("the diagram in docs/deployment.md is the one that the synthesized app gives: else `npm run diagram`", () => {
  const document = readFileSync(new URL("../../docs/deployment.md", import.meta.url), "utf8");
  expect(/```mermaid\n([\s\S]*?)\n```/.exec(document)?.[1]).toBe(drawDeployment(control, fullStage));
});

test("it shows every function and every machine of the manifest, and which roles of the store each uses", () => {
  const drawn = drawDeployment(control, fullStage);
  for (const [name, { storeRoles }] of Object.entries(functions)) {
    expect(drawn).toMatch(new RegExp(`(^|> )\\s*${name}\\b`, "m"));
    if (storeRoles.length > 0) expect(drawn).toContain(`  ${name} -- "${[...storeRoles].sort().join(", ")}" --> store`);
  }
  for (const [name, { tasks }] of Object.entries(machines))
    for (const task of tasks) expect(drawn).toContain(`  ${name}-machine --> ${task}\n`);
});

test("a right that a role loses is an arrow that is gone", () => {
  const text = JSON.stringify(control).replaceAll('"sts:AssumeRole"', '"sts:GetCallerIdentity"');
  expect(drawDeployment(JSON.parse(text), fullStage)).not.toContain("--> targets");
});
