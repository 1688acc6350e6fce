import type { Caller } from "../../core/caller.ts";
import type { ResourceRequest } from "../../core/definition.ts";
import type { Intent } from "../../core/intent.ts";
import type { JsonObject } from "../../core/json.ts";
import { fairWeather, type SimCloud, type Weather } from "./cloud.ts";
import { refusedSize, typeNames } from "./kinds.ts";
import type { Random } from "./random.ts";
import type { ApiRequest, Delivery, Point, World } from "./world.ts";

/** What a seed is like: each tries some faults often and leaves others out, or all seeds would be the same soup. */
export type Character = {
  faults: number;
  deliveries: { [port in Point["port"]]: readonly Delivery[] };
  vanish: number;
  weather: Weather;
  intents: number;
  drift: number;
  duplicates: number;
  patience: number;
  longSleep: boolean;
  types: { [name: string]: string };
};

const all: Character["deliveries"] = {
  store: ["before", "after", "crash-before", "crash-after"],
  cloud: ["before", "after", "hang-before", "hang-after", "late", "crash-before", "crash-after"],
  start: ["before", "after", "crash-before", "crash-after"],
};

export function characterOf(random: Random): Character {
  const some = (list: readonly Delivery[]) => list.filter(() => random.chance(0.6));
  return {
    faults: random.pick([0, 0.03, 0.08, 0.15, 0.3]),
    deliveries: { store: some(all.store), cloud: some(all.cloud), start: some(all.start) },
    vanish: random.pick([0, 0.5, 1]),
    weather: {
      handlerFailure: random.pick([0, 0, 0.1, 0.4]),
      staleMs: random.pick([0, 0, 20_000, 100_000]),
      conflictOnReplay: random.pick([0, 0, 0.5, 1]),
      silentLists: random.chance(0.3),
      slow: random.chance(0.2),
    },
    intents: random.pick([0.02, 0.05, 0.1]),
    drift: random.pick([0, 0, 0.01]),
    duplicates: random.pick([0, 0.02, 0.06]),
    patience: random.pick([0.05, 0.2, 0.4]),
    longSleep: random.chance(0.05),
    types: Object.fromEntries(names.map((name) => [name, random.pick(typeNames)])),
  };
}

const names = ["a", "b", "c", "d"] as const;
export const caller: Caller = { subject: "dana", role: "developer", team: "payments" };
const place = { team: "payments", service: "orders", environment: "staging" };

/** One decision of the scheduler. Its randomness is its own, so that leaving one step out leaves the others what they were. */
export async function decide(
  world: World,
  cloud: SimCloud,
  character: Character,
  random: Random,
  nth: number,
): Promise<void> {
  world.clock.now += 1 + random.below(40);
  const ready = world.points();
  if (nth === 0 || random.chance(character.intents)) return world.send(request(world, character, random, nth));
  if (random.chance(character.drift)) return world.say(cloud.drift() ?? "nothing to drift");
  if (random.chance(character.duplicates)) return duplicate(world, random);
  if (character.longSleep && random.chance(0.01)) return world.advance(world.clock.now + 37 * 3600_000);
  if (ready.length === 0 || random.chance(character.patience)) {
    const next = world.nextEvent();
    // Most often just until something happens; now and then past it, as a slow worker would.
    return world.advance(random.chance(0.9) ? next : next + random.below(70_000));
  }
  const point = random.pick(ready);
  const faults = character.deliveries[point.port];
  if (faults.length === 0 || !random.chance(character.faults)) return world.deliver(point, "ok");
  return world.deliver(point, random.pick(faults), random.chance(character.vanish) ? "vanish" : "error");
}

function duplicate(world: World, random: Random): Promise<void> {
  const [starts, running] = [world.names(), world.forgettable()];
  if (running.length > 0 && random.chance(0.5)) return world.forget(random.pick(running));
  if (starts.length > 0 && random.chance(0.7)) return world.startAgain(random.pick(starts));
  world.sweepNow();
  return world.drain();
}

/** A caller without an answer asks again; else it sends something new, or the same once more. */
function request(world: World, character: Character, random: Random, nth: number): ApiRequest {
  const unanswered = world.requests.filter(({ answer, run }) => answer === null && run === null);
  if (unanswered.length > 0 && random.chance(0.6)) return random.pick(unanswered);
  if (world.requests.length > 0 && random.chance(0.15)) {
    const first = random.pick(world.requests);
    const intent = random.chance(0.5) ? first.intent : intentOf(world, character, random, false);
    return { key: first.key, intent, caller, run: null, answer: null };
  }
  return { key: `key-${nth}`, intent: intentOf(world, character, random, nth === 0), caller, run: null, answer: null };
}

function intentOf(world: World, character: Character, random: Random, first: boolean): Intent {
  const roll = random.next();
  if (!first && roll < 0.1) return { action: "delete", ...place, resources: null };
  if (!first && roll < 0.3) {
    const chosen = names.filter(() => random.chance(0.35));
    return { action: "delete", ...place, resources: chosen.length === 0 ? ["a"] : chosen };
  }
  const before = world.requests.map(({ intent }) => intent).findLast((intent) => intent.action === "apply");
  if (roll < 0.4 && before !== undefined) return before;
  const chosen = names.filter(() => random.chance(first ? 0.7 : 0.4));
  const wanted = chosen.length === 0 ? (["b"] as const) : chosen;
  return {
    action: "apply",
    ...place,
    resources: Object.fromEntries(wanted.map((name) => [name, asked(character, random, name, wanted)])),
  };
}

function asked(character: Character, random: Random, name: string, together: readonly string[]): ResourceRequest {
  const uses = together
    .filter((other) => other < name && random.chance(0.5))
    .map((other) => `\${resources.${other}.outputs.endpoint}`);
  const size = random.chance(0.04) ? refusedSize : random.chance(0.02) ? "denied" : 1 + random.below(3);
  const secret: JsonObject = random.chance(0.2) ? { secret: `s${random.below(3)}` } : {};
  return { type: character.types[name] ?? "named", parameters: { size, uses, ...secret } };
}

export { fairWeather };
