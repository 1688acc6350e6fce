import type { Bug } from "./bug.ts";
import { type Character, characterOf } from "./character.ts";
import { type Checker, createChecker } from "./checker.ts";
import { checkEnd } from "./end.ts";
import { targetConfig, targetKeys, teams } from "./places.ts";
import { createRandom } from "./random.ts";
import { type Choose, settleAll, settleOthers } from "./settle.ts";
import { createSides, type Sides } from "./sides.ts";
import { beginning, type SimStore } from "./store.ts";
import { fairWeather, isOutage } from "./weather.ts";
import { createWorld, type World } from "./world.ts";

/** A world at its beginning, in which nothing was asked for yet. */
export type Scene = {
  world: World;
  sides: Sides;
  checker: Checker;
  character: Character;
  trace: string[];
  say: (line: string) => void;
  /** Lets everything go on until nothing is left to do; `choose` may do something else with a point than answer it. */
  settle(choose?: Choose): Promise<number>;
  finish(): Promise<number>;
};

export async function sceneOf(
  store: SimStore,
  clock: { now: number },
  bug: Bug,
  seed: number,
  chosen: Partial<Character> = {},
): Promise<Scene> {
  clock.now = beginning;
  await store.reset(seed);
  const trace: string[] = [];
  const say = (line: string) => trace.push(`${((clock.now - beginning) / 1000).toFixed(3).padStart(10)} ${line}`);
  const random = createRandom(seed * 2 + 1);
  const character = { ...characterOf(createRandom(seed * 7919 + 13)), ...chosen };
  const sides = createSides(() => clock.now, random);
  const checker = createChecker(sides, clock, say);
  const world = createWorld({ store, sides, checker, clock, random, trace: say, bug });
  await prepare(store, character);
  const later = createRandom(seed + 5);
  const anyOf: Choose = (points) => ({ point: later.pick(points), how: "ok" });
  const settle = (choose = anyOf) => settleAll({ world, sides, checker, choose });

  async function finish(): Promise<number> {
    say("faults end");
    sides.weather = fairWeather;
    world.databaseComesBack();
    const last = character.storms.lasting
      ? sides.all.find(({ storm }) => storm !== null && isOutage(storm.kind))
      : undefined;
    for (const side of sides.all) if (side !== last) side.storm = null;
    if (last?.storm != null) {
      last.storm = { ...last.storm, strength: 1, until: Number.POSITIVE_INFINITY };
      say(`but the storm over ${last.key} goes on`);
      await settleOthers({ world, sides, checker, choose: anyOf }, last);
      say("the storm ends");
      last.storm = null;
    }
    const settledIn = await settle();
    await checkEnd({ store, sides, checker, world, settle });
    return settledIn;
  }
  return { world, sides, checker, character, trace, say, settle, finish };
}

async function prepare(store: SimStore, { rate }: Character): Promise<void> {
  const rows = targetKeys.map((key) => `('${key.replace("/", "', '")}', '${JSON.stringify(targetConfig(key, rate))}')`);
  await store.look(`insert into cairn.teams (team_id) values ${teams.map((team) => `('${team}')`).join(", ")}`);
  await store.look(`insert into cairn.targets (environment, provider, config) values ${rows.join(", ")}`);
}
