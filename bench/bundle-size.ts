import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { functions } from "../functions/manifest.ts";
import { bundleFunctions } from "../infra/bundles/bundle-functions.ts";
import { lambdaEnvironment } from "./lambda-environment.ts";

// Each function's bundle and how long it takes to load, beside an empty module in an empty process. Sizes are held to the
// budget; times depend on the machine and are only printed.
const apiBudget = 600_000;
const runs = 5;

const root = fileURLToPath(new URL("..", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "cairn-bundles-"));
try {
  const folders = await bundleFunctions(root, out);
  const empty = median("data:text/javascript,", out);
  console.log(`empty Node process: ${empty.toFixed(0)} ms (median of ${runs})`);
  const sizes = Object.keys(functions).map((name) => {
    const folder = folders[name as keyof typeof folders];
    const file = join(folder, "index.mjs");
    const bytes = statSync(file).size;
    const over = median(pathToFileURL(file).href, folder) - empty;
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
function median(url: string, folder: string): number {
  const script = 'await import(process.argv[1]); process.stdout.write("\\n" + performance.now()); process.exit()';
  const args = ["--input-type=module", "-e", script, url];
  const times = Array.from({ length: runs }, () => {
    const said = execFileSync(process.execPath, args, { env: lambdaEnvironment(folder), encoding: "utf8" });
    return Number(said.split("\n").at(-1));
  });
  return times.sort((one, other) => one - other)[Math.floor(runs / 2)] ?? Number.NaN;
}
