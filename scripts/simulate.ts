// npm run simulate -- --seeds 5000 [--from 1] [--steps 200] [--workers 2]
// npm run simulate -- --seed 202            one seed with its trace, shrunk if it breaks a law
// npm run simulate -- --systematic          a fault at every await point of create, update and delete
// npm run simulate -- --plants              the checker is checked: every planted bug must be caught
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { patchOf, plants } from "../test/simulation/plants.ts";
import { openSimulation, type Result, shrink } from "../test/simulation/simulate.ts";
import { systematically } from "../test/simulation/systematic.ts";

type Job = { seeds: number[]; steps: number };
type Report = { seed: number; violations: Result["violations"]; settledIn: number };

if (isMainThread) await main();
else await work(workerData as Job);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "100" },
      from: { type: "string", default: "1" },
      steps: { type: "string", default: "200" },
      workers: { type: "string", default: "2" },
      seed: { type: "string" },
      systematic: { type: "boolean", default: false },
      plants: { type: "boolean", default: false },
    },
  });
  const steps = whole(values.steps, "steps");
  if (values.seed !== undefined) process.exitCode = await one(whole(values.seed, "seed"), steps);
  else if (values.systematic) process.exitCode = await everyPoint();
  else if (values.plants) process.exitCode = await everyPlant(steps, whole(values.seeds, "seeds"));
  else
    process.exitCode = await many(
      whole(values.from, "from"),
      whole(values.seeds, "seeds"),
      steps,
      whole(values.workers, "workers"),
    );
}

function whole(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} takes a whole number, not "${text}".`);
  return Number(text);
}

async function many(from: number, count: number, steps: number, workers: number): Promise<number> {
  const started = performance.now();
  const failing: Report[] = [];
  let done = 0;
  let longest = 0;
  const share = (worker: number) =>
    Array.from({ length: count }, (_, index) => from + index).filter((_, index) => index % workers === worker);
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const thread = new Worker(new URL(import.meta.url), {
        workerData: { seeds: share(worker), steps } satisfies Job,
      });
      thread.on("message", (report: Report) => {
        done += 1;
        longest = Math.max(longest, report.settledIn);
        if (report.violations.length > 0) {
          failing.push(report);
          console.log(`seed ${report.seed}: ${said(report.violations)}`);
        }
        if (done % 100 === 0) console.log(`${done} seeds, ${failing.length} failing, ${seconds(started)} s`);
      });
      return new Promise<void>((resolve, reject) => {
        thread.on("error", reject);
        thread.on("exit", () => resolve());
      });
    }),
  );
  console.log(
    `${done} seeds of ${steps} steps in ${seconds(started)} s on ${workers} workers: ${failing.length} failing. ` +
      `Everything was terminal at most ${Math.round(longest)} simulated seconds after the last fault.`,
  );
  if (failing.length > 0) console.log(`Replay: npm run simulate -- --seed ${failing[0]?.seed} --steps ${steps}`);
  return failing.length > 0 || done < count ? 1 : 0;
}

async function work({ seeds, steps }: Job): Promise<void> {
  const simulation = await openSimulation();
  for (const seed of seeds) {
    const { violations, settledIn } = await simulation.run(seed, steps);
    parentPort?.postMessage({ seed, violations, settledIn } satisfies Report);
  }
  await simulation.close();
  // The engine keeps a timer of its own.
  process.exit(0);
}

async function one(seed: number, steps: number): Promise<number> {
  const simulation = await openSimulation();
  const result = await simulation.run(seed, steps);
  const shown: Result & { skip?: number[] } =
    result.violations.length === 0 ? result : await shrink(simulation, result, steps);
  console.log(shown.trace.join("\n"));
  for (const { law, what } of shown.violations) console.log(`${law}: ${what}`);
  const { skip = [] } = shown;
  if (skip.length > 0) console.log(`seed ${seed}, shrunk: ${steps - skip.length} of ${steps} steps are left.`);
  await simulation.close();
  return result.violations.length === 0 ? 0 : 1;
}

async function everyPoint(): Promise<number> {
  const { runs, failures } = await systematically();
  for (const { name, violations, trace } of failures) {
    console.log(`${name}: ${said(violations)}\n${trace.join("\n")}`);
  }
  console.log(`${runs} runs, each with one fault at one await point: ${failures.length} failing.`);
  return failures.length === 0 ? 0 : 1;
}

async function everyPlant(steps: number, limit: number): Promise<number> {
  let missed = 0;
  console.log("| planted bug | caught by | seed |\n|---|---|---|");
  for (const plant of plants) {
    const { name, bug } = plant;
    const { patch, planted } = patchOf(plant);
    const simulation = await openSimulation(bug, patch);
    let caught: Result | undefined;
    for (let seed = 1; seed <= limit && caught === undefined; seed++) {
      const result = await simulation.run(seed, steps);
      if (result.violations.length > 0) caught = result;
    }
    if (!planted()) throw new Error(`There is no place any more for the plant "${name}".`);
    if (caught === undefined) missed += 1;
    console.log(`| ${name} | ${caught?.violations[0]?.law ?? "not caught"} | ${caught?.seed ?? "–"} |`);
    await simulation.close();
  }
  return missed === 0 ? 0 : 1;
}

/** The first one says what is wrong; what follows from it is in the trace. */
function said([first, ...more]: Result["violations"]): string {
  const what = `${first?.law} ${first?.what.split("\n", 1)[0]}`;
  return more.length === 0 ? what : `${what}, and ${more.length} more`;
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1000);
}
