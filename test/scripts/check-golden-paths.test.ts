import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { tableGoldenPath } from "../golden-paths/table-golden-path.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const broken = {
  ...tableGoldenPath,
  parameters: { ...tableGoldenPath.parameters, properties: { hashKey: { type: "text" } } },
};
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cairn broken golden paths "));
  writeFileSync(join(folder, "table@1.yaml"), stringify(broken));
});
afterAll(() => rmSync(folder, { recursive: true }));

const check = (...args: string[]) =>
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", "scripts/check-golden-paths.ts", ...args], {
    cwd: root,
    encoding: "utf8",
  });

test("the shipped golden paths pass", () => {
  expect(check()).toMatchObject({ status: 0, stdout: "", stderr: "" });
});

test("one that cannot be used is named with its pointer, and nothing is deployed", () => {
  const { status, stderr } = check(folder);
  expect(stderr).toMatch(/^table@1\.yaml#\/parameters: /);
  expect(status).toBe(1);
});

test("synth begins with it, because the functions do not look again", () => {
  const { app } = JSON.parse(readFileSync(join(root, "cdk.json"), "utf8")) as { app: string };
  expect(app).toMatch(/^node \S+ scripts\/check-golden-paths\.ts && node \S+ infra\/app\.ts$/);
  const paths = loadGoldenPaths(folder, awsKindSchemas(), true);
  expect(paths.list()).toHaveLength(1);
  expect(() =>
    paths.resolve({
      request: { type: "table", parameters: { hashKey: "id" } },
      pointer: "",
      team: "payments",
      service: "orders",
      environment: "staging",
      tier: "staging",
      name: "it",
      resourceId: "0190a000-0000-7000-8000-000000000000",
      targets: { aws: {} },
    } as never),
  ).toThrow(/table@1\.yaml#\/parameters/);
});
