import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { bundleFunctions } from "./bundles/bundle-functions.ts";
import { addCairn } from "./cairn.ts";
import { goldenPathVariants } from "./golden-path-data.ts";
import { readStage } from "./stages/read-stage.ts";
import { UnusableStage } from "./stages/unusable-stage.ts";
import { deriveKinds } from "./target-permissions/derive-grants.ts";
import { targetRows } from "./target-rows.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = mkdtempSync(join(tmpdir(), "cairn-bundles-"));

try {
  const app = new App();
  const stage = readStage(app.node.tryGetContext("stage"));
  const bundles = await bundleFunctions(root, built, targetRows(stage));
  addCairn(app, { stage, root, bundles, kinds: await deriveKinds(goldenPathVariants(root)) });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof UnusableStage)) throw error;
  console.error(error.message); // a stack would only be where it was read
  process.exitCode = 1;
} finally {
  rmSync(built, { recursive: true, force: true }); // synth has copied what it needs
}
