import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { functions } from "../functions/manifest.ts";
import { bundleFunctions } from "../infra/bundles/bundle-functions.ts";
import { lambdaEnvironment } from "./lambda-environment.ts";

// Each function's bundle and how long it takes to load, beside an empty module in an empty process: each run of the one next to
// a run of the other, and the shortest of both, because a busy machine only ever adds. The API's size is held to its budget.
// Its time is too, 100 ms, by who reads this on a machine that does nothing else: as a test it would fail for its neighbours.
const apiBudget = 600_000;
const runs = 9;

const root = fileURLToPath(new URL("..", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "cairn-bundles-"));
try {
  const folders = await bundleFunctions(root, out);
  const sizes = Object.keys(functions).map((name) => {
    const folder = folders[name as keyof typeof folders];
    const file = join(folder, "index.mjs");
    const bytes = statSync(file).size;
    const { empty, full } = timed(pathToFileURL(file).href, folder);
    const over = `${(full - empty).toFixed(0).padStart(4)} ms over ${empty.toFixed(0)} ms of an empty process`;
    console.log(`${name.padEnd(20)} ${(bytes / 1000).toFixed(0).padStart(5)} KB  init ${over}`);
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

function timed(url: string, folder: string): { empty: number; full: number } {
  const pairs = Array.from({ length: runs }, () => ({
    empty: once("data:text/javascript,", folder),
    full: once(url, folder),
  }));
  return {
    empty: Math.min(...pairs.map(({ empty }) => empty)),
    full: Math.min(...pairs.map(({ full }) => full)),
  };
}

/** Milliseconds from the start of a process to the end of the module's evaluation. */
function once(url: string, folder: string): number {
  const script = 'await import(process.argv[1]); process.stdout.write("\\n" + performance.now()); process.exit()';
  const args = ["--input-type=module", "-e", script, url];
  const said = execFileSync(process.execPath, args, { env: lambdaEnvironment(folder), encoding: "utf8" });
  return Number(said.split("\n").at(-1));
}
