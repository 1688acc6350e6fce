import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../simulation/random.ts";
import type { Cairn } from "./cairn.ts";

/** When, and what, is killed. Each leaves nothing running. */
export type Moment =
  | "while it works"
  | "while it starts"
  | "while it stops"
  | "node alone, Postgres left behind"
  | "npm alone"
  | "in a first start";

const weights: { readonly [moment in Moment]: number } = {
  "while it works": 50,
  "while it starts": 18,
  "while it stops": 11,
  "node alone, Postgres left behind": 13,
  "npm alone": 4,
  "in a first start": 4,
};

export type Stroke = Moment | "Postgres";

/** All strokes of a run in a random order: each moment once, as far as there are enough, and then by its weight. */
export function drawStrokes(random: Random, kills: number, postgresStops: number): Stroke[] {
  const moments = Object.keys(weights) as Moment[];
  const strokes: Stroke[] = Array.from({ length: postgresStops }, () => "Postgres");
  for (let nth = 1; nth <= kills; nth++) {
    const behind = (moment: Moment) => {
      const times = strokes.filter((stroke) => stroke === moment).length;
      return times === 0 && kills >= moments.length ? Number.POSITIVE_INFINITY : (weights[moment] * nth) / 100 - times;
    };
    strokes.push(moments.reduce((most, moment) => (behind(moment) > behind(most) ? moment : most)));
  }
  return shuffled(strokes, random);
}

/**
 * Seconds until the next stroke: mostly few, so that much is under way, and now and then long enough for a lease to end. Where
 * a start takes long everything else does too, and gets as much more time.
 */
export function drawPause(random: Random, startSeconds: number): number {
  const kind = random.next();
  const seconds = kind < 0.25 ? random.next() : kind < 0.85 ? 1 + random.next() * 2.5 : 4 + random.next() * 6;
  return seconds * Math.min(3, Math.max(1, startSeconds / 2.5));
}

/**
 * Strikes at a Cairn that is up, or, `while it starts`, at one that is down.
 *
 * @param startSeconds how long a start takes here
 */
export async function strike(
  cairn: Cairn,
  moment: Exclude<Moment, "in a first start">,
  random: Random,
  startSeconds: number,
) {
  switch (moment) {
    case "while it works":
      return cairn.killAll();
    case "node alone, Postgres left behind":
      return cairn.killMain();
    case "npm alone":
      return cairn.killNpm();
    case "while it starts":
      cairn.begin();
      await sleep(random.next() * startSeconds * 1100);
      return cairn.killAll();
    case "while it stops":
      cairn.interrupt();
      await sleep(random.next() * 400);
      return cairn.killAll();
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(random.below(rest.length), 1)[0] as T);
}
