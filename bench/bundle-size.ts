import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { functions } from "../functions/manifest.ts";
import { bundleFunctions } from "../infra/bundles/bundle-functions.ts";

// Each function's bundle and how long it takes to load, beside an empty module in an empty process. Sizes are held to the
// budget; times depend on the machine and are only printed.
const apiBudget = 700_000;
const runs = 5;

const root = fileURLToPath(new URL("..", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "cairn-bundles-"));
try {
  const folders = await bundleFunctions(root, out);
  const empty = median("data:text/javascript,");
  console.log(`empty Node process: ${empty.toFixed(0)} ms (median of ${runs})`);
  const sizes = Object.keys(functions).map((name) => {
    const file = join(folders[name as keyof typeof folders], "index.mjs");
    const bytes = statSync(file).size;
    const over = median(pathToFileURL(file).href) - empty;
    console.log(
      `${name.padEnd(20)} ${(bytes / 1000).toFixed(0).padStart(5)} KB  init ${over.toFixed(0).padStart(4)} ms over empty`,
    );
    return { name, bytes };
  });
  const api = sizes.find(({ name }) => name === "api")?.bytes ?? Number.POSITIVE_INFINITY;
  if (api > apiBudget) {
    console.error(`the API's bundle has ${api} bytes, ${api - apiBudget} above its budget of ${apiBudget}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

/** Milliseconds from the start of a process to the end of the module's evaluation. */
function median(url: string): number {
  const script = "await import(process.argv[1]); process.stdout.write(String(performance.now())); process.exit()";
  const times = Array.from({ length: runs }, () =>
    Number(execFileSync(process.execPath, ["--input-type=module", "-e", script, url], { encoding: "utf8" })),
  );
  return times.sort((one, other) => one - other)[Math.floor(runs / 2)] ?? Number.NaN;
}
