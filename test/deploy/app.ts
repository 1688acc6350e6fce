// What `cdk` synthesizes: infra/app.ts for the emulator. What is asked of it comes in CAIRN_DEPLOY.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, Aspects } from "aws-cdk-lib";
import { bundleFunctions } from "../../infra/bundles/bundle-functions.ts";
import { addCairn } from "../../infra/cairn.ts";
import { goldenPathVariants } from "../../infra/golden-path-data.ts";
import { deriveKinds } from "../../infra/target-permissions/derive-grants.ts";
import { targetRows } from "../../infra/target-rows.ts";
import { LeaveOut, leftOut } from "./left-out.ts";
import { type AppOptions, deployedStage } from "./place.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const built = mkdtempSync(join(tmpdir(), "cairn-bundles-"));
const options = JSON.parse(process.env.CAIRN_DEPLOY ?? "{}") as AppOptions;

try {
  // CDK's own check of the templates, 3 s: `cdk synth` makes it, in .ci/run too.
  const app = new App({ builtinCloudFormationValidation: false });
  const stage = deployedStage(options);
  const bundles = await bundleFunctions(root, built, targetRows(stage));
  for (const folder of Object.values(bundles)) mark(folder, options.release);
  if (options.migration) addMigration(Object.values(bundles), options.migration);
  addCairn(app, { stage, root, bundles, kinds: await deriveKinds(goldenPathVariants(root)) });
  Aspects.of(app).add(new LeaveOut(leftOut));
  app.synth();
} finally {
  rmSync(built, { recursive: true, force: true }); // synth has copied what it needs
}

/** What a commit between two deployments would have changed. */
function mark(folder: string, release: string): void {
  appendFileSync(join(folder, "index.mjs"), `\n// release ${release}\n`);
  const contract = join(folder, "openapi.json");
  if (!existsSync(contract)) return;
  const document = JSON.parse(readFileSync(contract, "utf8")) as { info: { version: string } };
  document.info.version = release;
  writeFileSync(contract, JSON.stringify(document));
}

function addMigration(folders: string[], { name, script }: { name: string; script: string }): void {
  const places = folders.map((folder) => join(folder, "database/migrations")).filter((place) => existsSync(place));
  if (places.length === 0) throw new Error("no function has migrations");
  for (const place of places) writeFileSync(join(place, name), script);
}
