import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../simulation/random.ts";
import type { Violation } from "../simulation/violation.ts";
import { putSim } from "../support/machine.ts";
import { freePort } from "../support/npm-start.ts";
import { drawPause, type Stroke, strike } from "./blows.ts";
import { type Cairn, createCairn } from "./cairn.ts";
import { cutOff } from "./cut-off.ts";
import { counted, type Figures } from "./figures.ts";
import type { ServiceRecord } from "./record.ts";
import { type Tampered, tamper } from "./tampering.ts";
import { drawWeather } from "./weather.ts";

export type Storm = {
  cairn: Cairn;
  folder: string;
  log: string;
  random: Random;
  figures: Figures;
  records: readonly ServiceRecord[];
  tampered: Tampered[];
  violations: readonly Violation[];
  /** Answers a read of the store, however often it has to be asked. */
  read: () => Promise<unknown>;
  report: (violation: Violation) => void;
  say: (line: string) => void;
};

/** After an immediate stop Cairn has to have its Postgres back by itself. */
const postgresBackWithinSeconds = 60;

/** Strikes, starts again, and strikes; ends with a Cairn that is up. The first violation ends it. */
export async function storm(all: Storm, strokes: readonly Stroke[]): Promise<void> {
  const { cairn, folder, figures, random, violations, say } = all;
  const began = Date.now();
  let up = true;
  for (const [index, stroke] of strokes.entries()) {
    if (violations.length > 0) break;
    if (stroke === "in a first start") {
      await strikeFirstStart(all);
      counted(figures, stroke);
    } else if (stroke === "Postgres") {
      if (!up) await start(all);
      up = true;
      await pauseIn(all);
      await strikePostgres(all);
      counted(figures, stroke);
    } else {
      if (stroke === "while it starts" && up) await cairn.stop();
      if (stroke !== "while it starts") {
        if (!up) await start(all);
        await pauseIn(all);
      }
      await strike(cairn, stroke, random, typical(figures.starts));
      up = false;
      counted(figures, stroke, stroke === "while it starts" ? undefined : cutOff(cairn.home));
    }
    const done = index + 1;
    if (done % 25 === 0 || done === strokes.length) {
      const minutes = ((Date.now() - began) / 60_000).toFixed(1);
      const accepted = all.records.reduce((sum, record) => sum + record.accepted.length, 0);
      say(`${done} of ${strokes.length} strokes in ${minutes} min; ${accepted} intents accepted`);
    }
  }
  if (!up) await start(all);
  await putSim(cairn.endpoints(), "faults", []);
  await rm(join(folder, "first"), { recursive: true, force: true });
}

async function start({ cairn, figures, random }: Storm): Promise<void> {
  const began = performance.now();
  cairn.begin();
  await cairn.ready();
  figures.starts.push((performance.now() - began) / 1000);
  const { name, faults } = drawWeather(random);
  figures.weather.set(name, (figures.weather.get(name) ?? 0) + 1);
  await putSim(cairn.endpoints(), "faults", faults);
}

/** Lets it work for a while, with somebody's hands in the cloud now and then. */
async function pauseIn({ cairn, random, records, tampered, figures }: Storm): Promise<void> {
  const seconds = drawPause(random, typical(figures.starts));
  const meddling = random.chance(0.4)
    ? sleep(random.next() * seconds * 1000).then(() =>
        tamper(cairn.endpoints(), records, random, (done) => tampered.push(done)),
      )
    : undefined;
  // It may be refused, or killed on the way, like anybody's call.
  void meddling?.catch(() => undefined);
  await sleep(seconds * 1000);
}

/** Cairn stays up, and has to bring its Postgres back. Not always waited for: the next stroke may meet the recovery. */
async function strikePostgres({ cairn, random, figures, report, read }: Storm): Promise<void> {
  const before = await cairn.postmaster();
  const began = performance.now();
  await cairn.stopPostgres(random.chance(0.5) ? "SIGQUIT" : "SIGKILL");
  if (random.chance(0.25)) return;
  await read();
  const seconds = (performance.now() - began) / 1000;
  figures.recoveries.push(seconds);
  const after = await cairn.postmaster();
  if (after === before || after === undefined || seconds > postgresBackWithinSeconds)
    report({
      law: "F8",
      what: `Postgres (pid ${before}) was stopped, and after ${seconds.toFixed(1)} s it is ${after}`,
    });
}

/** In a home of its own: initdb, the store's migrations and all. The next start has to make a working Cairn of what is left. */
async function strikeFirstStart({ folder, log, random, figures }: Storm): Promise<void> {
  const home = join(folder, "first");
  const newborn = createCairn({ home, port: await freePort(), log });
  try {
    newborn.begin();
    await sleep(random.next() * typical(figures.starts) * 2500);
    await newborn.killAll();
    reached(figures, home);
    newborn.begin();
    await newborn.ready();
  } finally {
    await newborn.killAll();
    await rm(home, { recursive: true, force: true });
  }
}

/** How far it had come. */
function reached({ firstStarts }: Figures, home: string): void {
  const made = existsSync(join(home, "postgres", "data"));
  const stage = existsSync(join(home, "endpoints.json")) ? "up" : made ? "migrating" : "making its cluster";
  firstStarts.set(stage, (firstStarts.get(stage) ?? 0) + 1);
}

/** Of the last ones: a shared machine is not always as fast. */
function typical(starts: readonly number[]): number {
  const last = starts.slice(-9).toSorted((one, other) => one - other);
  return last[Math.floor(last.length / 2)] ?? 3;
}
