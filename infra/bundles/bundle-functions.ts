import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FunctionName, functions } from "../../functions/manifest.ts";
import type { TargetRow } from "../target-rows.ts";
import { addAssets } from "./add-assets.ts";
import { bundleEntry } from "./bundle-entry.ts";

/**
 * Bundles every function into a folder of its own below `out`: `index.mjs`, its source map, and the data it reads. A change
 * of the stage's targets is a change of the migrations' bundle, so a deployment runs them and the store hears of it.
 */
export async function bundleFunctions(
  root: string,
  out: string,
  targets: readonly TargetRow[] = [],
): Promise<{ readonly [name in FunctionName]: string }> {
  const bundled = Object.entries(functions).map(async ([name, spec]) => {
    const folder = join(out, name);
    mkdirSync(folder, { recursive: true });
    const { code, map } = await bundleEntry(root, spec.entry);
    writeFileSync(join(folder, "index.mjs"), code);
    writeFileSync(join(folder, "index.mjs.map"), map);
    addAssets(root, folder, spec);
    if (name === "migrate") writeFileSync(join(folder, "targets.json"), JSON.stringify(targets));
    return [name, folder] as const;
  });
  return Object.fromEntries(await Promise.all(bundled)) as { [name in FunctionName]: string };
}
