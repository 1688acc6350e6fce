import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { functions, machines } from "../../functions/manifest.ts";
import { addCairn, type Cairn } from "../../infra/cairn.ts";
import { goldenPathVariants } from "../../infra/golden-path-data.ts";
import { mapValues } from "../../infra/map-values.ts";
import type { Stage } from "../../infra/stages/stage.ts";
import { deriveKinds } from "../../infra/target-permissions/derive-grants.ts";

const kinds = await deriveKinds(goldenPathVariants(fileURLToPath(new URL("../..", import.meta.url))));

/** The app's templates. */
export function synthesize(stage: Stage): { store: Template; control: Template; targets: Template[] } {
  return withApp(stage, (_, { store, control, targets }) => {
    const [ofStore, ofControl] = [Template.fromStack(store), Template.fromStack(control)];
    return { store: ofStore, control: ofControl, targets: targets.map((target) => Template.fromStack(target)) };
  });
}

/**
 * The app, with a one-line bundle in place of each function's and the smallest definition that names every
 * task: what a template says depends on neither.
 */
export function withApp<Result>(stage: Stage, use: (app: App, cairn: Cairn) => Result): Result {
  const root = mkdtempSync(join(tmpdir(), "cairn infra "));
  try {
    const bundle = join(root, "bundle");
    write(join(bundle, "index.mjs"), "export const handler = async () => {};");
    for (const { definition, tasks } of Object.values(machines)) write(join(root, definition), chain(tasks));
    // CDK's own check of the templates, 3 s of processor in each test file: `cdk synth` makes it, in .ci/run too.
    const app = new App({ builtinCloudFormationValidation: false });
    return use(app, addCairn(app, { stage, root, bundles: mapValues(functions, () => bundle), kinds }));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function chain(tasks: readonly string[]): string {
  const states = tasks.map((task, index) => {
    const next = tasks[index + 1];
    return [task, { Type: "Task", Resource: `\${${task}}`, ...(next === undefined ? { End: true } : { Next: next }) }];
  });
  return JSON.stringify({ StartAt: tasks[0], TimeoutSeconds: 60, States: Object.fromEntries(states) });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
