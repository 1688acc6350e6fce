import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { functions } from "../functions/manifest.ts";
import { bundleFunctions } from "../infra/bundles/bundle-functions.ts";
import { lambdaEnvironment } from "./lambda-environment.ts";

// Each function's bundle and how long it takes to load, beside an empty module in an empty process: each run of the one next to
// a run of the other, and the least of both, because a busy machine only ever adds; of processor time it adds least. The API's size
// is held to its budget. Its time is too, 100 ms, by who reads this on a machine that does nothing else: as a test it would fail
// for its neighbours.
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
    const { passed, processor } = overEmpty(pathToFileURL(file).href, folder);
    const init = `init ${passed.toFixed(0).padStart(4)} ms over an empty process, ${processor.toFixed(0)} of processor`;
    console.log(`${name.padEnd(20)} ${(bytes / 1000).toFixed(0).padStart(5)} KB  ${init}`);
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

type Time = { passed: number; processor: number };

function overEmpty(url: string, folder: string): Time {
  const pairs = Array.from({ length: runs }, () => ({
    empty: timed("data:text/javascript,", folder),
    full: timed(url, folder),
  }));
  const over = (part: keyof Time) =>
    Math.min(...pairs.map(({ full }) => full[part])) - Math.min(...pairs.map(({ empty }) => empty[part]));
  return { passed: over("passed"), processor: over("processor") };
}

/** Milliseconds from the start of a process to the end of the module's evaluation. */
function timed(url: string, folder: string): Time {
  const script = `await import(process.argv[1]);
    const { user, system } = process.cpuUsage();
    process.stdout.write("\\n" + performance.now() + " " + (user + system) / 1000);
    process.exit()`;
  const args = ["--input-type=module", "-e", script, url];
  const said = execFileSync(process.execPath, args, { env: lambdaEnvironment(folder), encoding: "utf8" });
  const [passed = Number.NaN, processor = Number.NaN] = (said.split("\n").at(-1) ?? "").split(" ").map(Number);
  return { passed, processor };
}
