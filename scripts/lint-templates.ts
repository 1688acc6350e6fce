// cfn-lint over the templates of every stage, and of one that has all that a stage may leave out: `npm run lint:templates`.
// It checks them against AWS's own schemas, offline. It is a Python tool, so Python has to be there; it comes by itself, once,
// into a folder of its own in the user's cache.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { readStage } from "../infra/stages/read-stage.ts";
import { fullStage } from "../test/infra/full-stage.ts";
import { withApp } from "../test/infra/synthesize.ts";

const version = "1.58.0";
/** CDK says what depends on what although a reference says it too; that is not ours to change. */
const ignored = "W3005";

const scratch = mkdtempSync(join(tmpdir(), "cairn-templates-"));
try {
  const cfnLint = installed();
  const stages = { development: readStage("development"), production: readStage("production"), full: fullStage };
  const templates = Object.entries(stages).flatMap(([name, stage]) => {
    const folder = join(scratch, name);
    withApp(stage, (app) => cpSync(app.synth().directory, folder, { recursive: true }));
    return readdirSync(folder).flatMap((file) => (file.endsWith(".template.json") ? [join(folder, file)] : []));
  });
  execFileSync(cfnLint, ["--ignore-checks", ignored, "--", ...templates], { stdio: "inherit" });
  console.log(`cfn-lint ${version}: ${templates.length} templates, nothing to say`);
} catch (error) {
  const { status } = error as { status?: number };
  if (status === undefined) throw error;
  process.exitCode = 1; // cfn-lint has said what
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function installed(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const home = join(cache, "cairn", `cfn-lint-${version}`);
  const command = join(home, "bin", "cfn-lint");
  if (existsSync(join(home, "complete"))) return command;
  // A folder that an interrupted installation left is made anew; scripts in it hold its path, so it cannot be moved into place.
  rmSync(home, { recursive: true, force: true });
  execFileSync("python3", ["-m", "venv", home], { stdio: "inherit" });
  execFileSync(
    join(home, "bin", "pip"),
    ["install", "--quiet", "--disable-pip-version-check", `cfn-lint==${version}`],
    {
      stdio: "inherit",
    },
  );
  cpSync(join(home, "pyvenv.cfg"), join(home, "complete"));
  return command;
}
