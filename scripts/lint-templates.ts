// cfn-lint over the templates of every stage, and of one that has all that a stage may leave out: `npm run lint:templates`.
// It checks them against AWS's own schemas, offline. It is a Python tool, so Python has to be there; it comes by itself, once,
// into a folder of its own in the user's cache.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStage } from "../infra/stages/read-stage.ts";
import { fullStage } from "../test/infra/full-stage.ts";
import { withApp } from "../test/infra/synthesize.ts";
import { pythonEnvironment } from "./python-environment.ts";

const version = "1.58.0";
/** CDK says what depends on what although a reference says it too; that is not ours to change. */
const ignored = "W3005";

const scratch = mkdtempSync(join(tmpdir(), "cairn-templates-"));
try {
  const environment = pythonEnvironment({ name: "cfn-lint", install: [`cfn-lint==${version}`] }, console.log);
  if ("missing" in environment) throw new Error(environment.missing);
  const stages = { development: readStage("development"), production: readStage("production"), full: fullStage };
  const templates = Object.entries(stages).flatMap(([name, stage]) => {
    const folder = join(scratch, name);
    withApp(stage, (app) => cpSync(app.synth().directory, folder, { recursive: true }));
    return readdirSync(folder).flatMap((file) => (file.endsWith(".template.json") ? [join(folder, file)] : []));
  });
  const run = "import sys, cfnlint.runner; sys.exit(cfnlint.runner.main())";
  execFileSync(environment.python, ["-c", run, "--ignore-checks", ignored, "--", ...templates], { stdio: "inherit" });
  console.log(`cfn-lint ${version}: ${templates.length} templates, nothing to say`);
} catch (error) {
  const { status } = error as { status?: number };
  if (status === undefined) throw error;
  process.exitCode = 1; // cfn-lint has said what
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
