// The deterministic simulation: docs/reliability.md.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { patchOf } from "../test/simulation/plant.ts";
import { plants } from "../test/simulation/plants.ts";
import { openSimulation, type Result, shrink } from "../test/simulation/simulate.ts";
import { cases, type Outcome, systematically } from "../test/simulation/systematic.ts";
import { calm, storyOf } from "../test/simulation/unseen-ends.ts";
import { flag, readArgs, refuse, text, whole } from "./read-args.ts";

const usage = `npm run simulate -- --seeds 5000               that many seeds [--from 1]
npm run simulate -- --seed 202                 one seed with its trace, shrunk if it breaks a law
npm run simulate -- --systematic               every fault at every await point of create, update and delete
npm run simulate -- --plants --seeds 500       the checker is checked: every planted bug must be caught
npm run simulate -- --plants --only "epoch"    those of them whose name has this in it
All of them: [--steps 200] decisions of the scheduler in each seed, [--workers 2] threads`;

/** A worker's share of seeds, of plants (each with as many seeds as it takes), or of systematic cases. */
type Job =
  | { does: "seeds"; seeds: number[]; steps: number }
  | { does: "plants"; plants: number[]; steps: number; limit: number }
  | { does: "cases"; cases: number[] };
type SeedReport = { seed: number; violations: Result["violations"]; settledIn: number };
type PlantReport = { plant: number; caught: { law: string; by: string } | null };

if (isMainThread) await main();
else await work(workerData as Job);

async function main(): Promise<void> {
  const { values } = readArgs(usage, {
    seeds: whole(100, { least: 1 }),
    from: whole(1),
    steps: whole(200, { least: 1 }),
    workers: whole(2, { least: 1 }),
    seed: whole(undefined),
    systematic: flag,
    plants: flag,
    only: text,
  });
  const { seeds, steps, workers, seed, systematic, only } = values;
  const asked = [seed !== undefined && "--seed", systematic && "--systematic", values.plants && "--plants"];
  const [first, second] = asked.filter((one) => one !== false);
  if (second !== undefined) refuse(`${first} and ${second} are two different runs`);
  if (only !== undefined && !values.plants) refuse("--only chooses among --plants");
  if (seed !== undefined) process.exitCode = await one(seed, steps);
  else if (systematic) process.exitCode = await everyPoint(workers);
  else if (values.plants) process.exitCode = await everyPlant(plantsNamed(only), steps, seeds, workers);
  else process.exitCode = await many(values.from, seeds, steps, workers);
}

function plantsNamed(part = ""): number[] {
  const named = [...plants.entries()].filter(([, { name }]) => name.toLowerCase().includes(part.toLowerCase()));
  if (named.length === 0) refuse(`--only "${part}": no plant's name has this in it`);
  return named.map(([index]) => index);
}

async function many(from: number, count: number, steps: number, workers: number): Promise<number> {
  const started = performance.now();
  const failing: SeedReport[] = [];
  let done = 0;
  let longest = 0;
  const jobs = shares(
    Array.from({ length: count }, (_, index) => from + index),
    workers,
  );
  await inWorkers(
    jobs.map((seeds) => ({ does: "seeds", seeds, steps })),
    (report: SeedReport) => {
      done += 1;
      longest = Math.max(longest, report.settledIn);
      if (report.violations.length > 0) {
        failing.push(report);
        console.log(`seed ${report.seed}: ${said(report.violations)}`);
      }
      if (done % 100 === 0) console.log(`${done} seeds, ${failing.length} failing, ${seconds(started)} s`);
    },
  );
  console.log(
    `${done} seeds of ${steps} steps in ${seconds(started)} s on ${workers} workers: ${failing.length} failing. ` +
      `Everything was terminal at most ${Math.round(longest)} simulated seconds after the last fault.`,
  );
  if (failing.length > 0) console.log(`Replay: npm run simulate -- --seed ${failing[0]?.seed} --steps ${steps}`);
  return failing.length > 0 || done < count ? 1 : 0;
}

async function everyPoint(workers: number): Promise<number> {
  const started = performance.now();
  const all: Outcome = { runs: 0, points: 0, failures: [] };
  let done = 0;
  const jobs = shares([...cases.keys()], workers);
  await inWorkers(
    jobs.map((share) => ({ does: "cases", cases: share })),
    ({ runs, points, failures }: Outcome) => {
      done += 1;
      all.runs += runs;
      all.points += points;
      all.failures.push(...failures);
      for (const { name, violations, trace } of failures)
        console.log(`${name}: ${said(violations)}\n${trace.join("\n")}`);
      console.log(
        `${done} of ${cases.length} cases, ${all.runs} runs, ${all.failures.length} failing, ${seconds(started)} s`,
      );
    },
  );
  console.log(
    `${all.runs} runs in ${seconds(started)} s on ${workers} workers, each with one fault at one of ${all.points} await points ` +
      `of ${done} cases: ${all.failures.length} failing.`,
  );
  return all.failures.length > 0 || done < cases.length ? 1 : 0;
}

async function everyPlant(chosen: readonly number[], steps: number, limit: number, workers: number): Promise<number> {
  const started = performance.now();
  const reports = new Map<number, PlantReport["caught"]>();
  const jobs = shares(chosen, workers);
  await inWorkers(
    jobs.map((share) => ({ does: "plants", plants: share, steps, limit })),
    ({ plant, caught }: PlantReport) => {
      reports.set(plant, caught);
      console.log(`${plants[plant]?.name}: ${caught === null ? "NOT CAUGHT" : `${caught.law} by ${caught.by}`}`);
    },
  );
  console.log("\n| planted bug | caught by | seed |\n|---|---|---|");
  for (const index of chosen) {
    const caught = reports.get(index);
    console.log(`| ${plants[index]?.name} | ${caught?.law ?? "not caught"} | ${caught?.by ?? "–"} |`);
  }
  const caught = [...reports.values()].filter((report) => report !== null).length;
  console.log(`\n${caught} of ${chosen.length} caught, in ${seconds(started)} s.`);
  return caught === chosen.length ? 0 : 1;
}

function shares<T>(all: readonly T[], workers: number): T[][] {
  return Array.from({ length: workers }, (_, worker) => all.filter((_, index) => index % workers === worker));
}

async function inWorkers<Report>(jobs: readonly Job[], hear: (report: Report) => void): Promise<void> {
  const ended = jobs.map((job) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: job });
    thread.on("message", hear);
    return new Promise<void>((resolve, reject) => {
      thread.on("error", reject);
      thread.on("exit", () => resolve());
    });
  });
  await Promise.all(ended);
}

async function work(job: Job): Promise<void> {
  const report = (one: SeedReport | PlantReport | Outcome) => parentPort?.postMessage(one);
  switch (job.does) {
    case "seeds": {
      const simulation = await openSimulation();
      for (const seed of job.seeds) {
        const { violations, settledIn } = await simulation.run(seed, job.steps);
        report({ seed, violations, settledIn });
      }
      break;
    }
    case "plants":
      for (const plant of job.plants) report({ plant, caught: await caughtBy(plant, job) });
      break;
    case "cases": {
      const simulation = await openSimulation();
      for (const index of job.cases) report(await systematically(simulation, cases.slice(index, index + 1)));
      break;
    }
  }
  // The engine keeps a timer of its own.
  process.exit(0);
}

async function caughtBy(index: number, { steps, limit }: Job & { does: "plants" }): Promise<PlantReport["caught"]> {
  const plant = plants[index];
  if (plant === undefined) throw new Error(`There is no plant ${index}.`);
  const { patch, planted } = patchOf(plant);
  const simulation = await openSimulation(plant.bug, patch);
  let caught: PlantReport["caught"] = null;
  if (plant.systematic !== undefined) {
    const [first] = (await systematically(simulation, [plant.systematic])).failures;
    if (first !== undefined) caught = { law: first.violations[0]?.law ?? "", by: first.name };
  }
  if (plant.unseenEnd !== undefined) {
    const { checker } = await simulation.play(storyOf(plant.unseenEnd), calm);
    const [violation] = checker.violations;
    if (violation !== undefined) caught = { law: violation.law, by: plant.unseenEnd };
  }
  const byChance = plant.systematic === undefined && plant.unseenEnd === undefined;
  for (let seed = 1; byChance && seed <= limit && caught === null; seed++) {
    const [violation] = (await simulation.run(seed, steps)).violations;
    if (violation !== undefined) caught = { law: violation.law, by: `${seed}` };
  }
  await simulation.close();
  if (!planted()) throw new Error(`There is no place any more for the plant "${plant.name}".`);
  return caught;
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
  if (result.violations.length === 0) console.log(`seed ${seed}: no law is broken`);
  await simulation.close();
  return result.violations.length === 0 ? 0 : 1;
}

/** The first one says what is wrong; what follows from it is in the trace. */
function said([first, ...more]: Result["violations"]): string {
  const what = `${first?.law} ${first?.what.split("\n", 1)[0]}`;
  return more.length === 0 ? what : `${what}, and ${more.length} more`;
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1000);
}
