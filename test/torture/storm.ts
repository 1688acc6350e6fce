import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../simulation/random.ts";
import type { Violation } from "../simulation/violation.ts";
import { putSim } from "../support/machine.ts";
import { drawPause, type Stroke, strike } from "./blows.ts";
import type { Cairn } from "./cairn.ts";
import { cutOff } from "./cut-off.ts";
import { counted, type Figures, seen } from "./figures.ts";
import { killFirstStart } from "./first-start.ts";
import type { ServiceRecord } from "./record.ts";
import { type Tampered, tamper } from "./tampering.ts";
import { drawWeather } from "./weather.ts";

export type Storm = {
  cairn: Cairn;
  /** Another one, on a home that is not there yet. */
  newborn: Cairn;
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
  const { cairn, records, violations, say } = all;
  const began = performance.now();
  let up = true;
  for (const [index, stroke] of strokes.entries()) {
    if (violations.length > 0) break;
    up = await struck(all, stroke, up);
    const done = index + 1;
    if (done % 25 !== 0 && done !== strokes.length) continue;
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    const accepted = records.reduce((sum, record) => sum + record.accepted.length, 0);
    say(`${done} of ${strokes.length} strokes in ${minutes} min; ${accepted} intents accepted`);
  }
  if (!up) await start(all);
  await putSim(cairn.endpoints(), "faults", []);
}

/** @returns whether Cairn is up afterwards */
async function struck(all: Storm, stroke: Stroke, up: boolean): Promise<boolean> {
  const { cairn, newborn, random, figures } = all;
  const startSeconds = typical(figures.starts);
  switch (stroke) {
    case "in a first start":
      seen(figures.firstStarts, await killFirstStart(newborn, random.next() * startSeconds * 2));
      counted(figures, stroke);
      return up;
    case "while it starts":
      if (up) await cairn.stop();
      await strike(cairn, stroke, random, startSeconds);
      counted(figures, stroke);
      return false;
    case "Postgres":
      if (!up) await start(all);
      await work(all);
      await strikePostgres(all);
      counted(figures, stroke);
      return true;
    default:
      if (!up) await start(all);
      await work(all);
      await strike(cairn, stroke, random, startSeconds);
      counted(figures, stroke, cutOff(cairn.home));
      return false;
  }
}

async function start({ cairn, figures, random }: Storm): Promise<void> {
  figures.starts.push(await cairn.start());
  const { name, faults } = drawWeather(random);
  seen(figures.weather, name);
  await putSim(cairn.endpoints(), "faults", faults);
}

/** Lets it work for a while, with somebody's hands in the cloud now and then. */
async function work({ cairn, random, records, tampered, figures }: Storm): Promise<void> {
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
  const before = await cairn.stopPostgres(random.chance(0.5) ? "SIGQUIT" : "SIGKILL");
  const began = performance.now();
  if (random.chance(0.25)) return;
  await read();
  const seconds = (performance.now() - began) / 1000;
  figures.recoveries.push(seconds);
  const after = await cairn.postmaster();
  if (after !== undefined && after !== before && seconds <= postgresBackWithinSeconds) return;
  const what = `Postgres (pid ${before}) was stopped, and after ${seconds.toFixed(1)} s it is ${after}`;
  report({ law: "F8", what });
}

/** Of the last ones: a shared machine is not always as fast. */
function typical(starts: readonly number[]): number {
  const last = starts.slice(-9).toSorted((one, other) => one - other);
  return last[Math.floor(last.length / 2)] ?? 3;
}
