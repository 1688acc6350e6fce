import { staleSeconds } from "../../control/pace.ts";
import { providerService } from "../../core/provider.ts";
import { type Character, targetsOf } from "./character.ts";
import type { Checker } from "./checker.ts";
import { anotherRequest, someRequest, somethingByHand } from "./intents.ts";
import { kinds } from "./kinds.ts";
import type { Random } from "./random.ts";
import type { Side, Sides } from "./sides.ts";
import type { Storm } from "./weather.ts";
import type { World } from "./world.ts";

/** Shorter than the time between two looks without which nothing is believed to be gone. */
const denials = [5, staleSeconds - 0.001].map((seconds) => seconds * 1000);

export type Cast = { world: World; sides: Sides; checker: Checker; character: Character };

/** One decision of the scheduler. Its randomness is its own, so that leaving one step out leaves the others what they were. */
export async function decide({ world, sides, checker, character }: Cast, random: Random, nth: number): Promise<void> {
  world.clock.now += 1 + random.below(40);
  const { places, storms } = character;
  if (nth < places.length || random.chance(character.intents)) {
    const scene = { requests: world.requests, character, random, nth };
    await world.send(someRequest(scene));
    return random.chance(character.haste) ? world.send(anotherRequest(scene)) : undefined;
  }
  if (random.chance(character.people)) {
    const request = somethingByHand(checker.state, random);
    return request === null ? undefined : world.send(request);
  }
  if (random.chance(character.drift)) return world.say(sides.drift(targetsOf(character), random) ?? "nothing to drift");
  if (random.chance(character.duplicates)) return duplicate(world, random);
  if (random.chance(storms.chance)) return brew({ world, sides, character }, random);
  if (random.chance(character.denials)) {
    deny({ world, sides, character }, random);
    return world.send(anotherRequest({ requests: world.requests, character, random, nth }));
  }
  if (random.chance(character.failovers)) return world.failover(5 + random.below(60));
  if (character.longSleep && random.chance(0.01)) return world.advance(world.clock.now + 37 * 3600_000);
  const ready = world.points();
  // A denial is short: what can go on does so while it lasts.
  const denied = sides.all.some(({ storm }) => storm?.kind === "denying" && storm.until > world.clock.now);
  if (ready.length === 0 || (!denied && random.chance(character.patience))) {
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

/** A storm over one of the seed's targets, or over one service of it. */
function brew({ world, sides, character }: Pick<Cast, "world" | "sides" | "character">, random: Random): void {
  const [first] = character.storms.kinds;
  if (first === undefined) return;
  const side = sides.at(random.pick(targetsOf(character)));
  side.storm = {
    kind: random.pick(character.storms.kinds),
    service: random.chance(0.5) ? null : someService(side, random),
    strength: random.pick([0.5, 1]),
    until: world.clock.now + random.pick([20_000, 120_000, 900_000]),
  };
  sayStorm(world, side, side.storm);
}

/**
 * Of what is denied for longer, five objects at most may be believed to be gone: `mass-not-found.ts` has more than five. Once a
 * target, because two that meet one operation's two looks are one that lasts longer.
 */
function deny({ world, sides, character }: Pick<Cast, "world" | "sides" | "character">, random: Random): void {
  const side = sides.at(random.pick(targetsOf(character).filter((key) => key.endsWith("/aws"))));
  if (side.denied || (side.storm !== null && side.storm.until > world.clock.now)) return;
  side.denied = true;
  const service = random.chance(0.5) ? null : someService(side, random);
  const until = world.clock.now + random.pick(denials);
  side.storm = { kind: "denying", service, strength: random.pick([0.5, 1, 1]), until };
  sayStorm(world, side, side.storm);
}

function sayStorm(world: World, side: Side, { kind, service, until }: Storm): void {
  world.say(
    `a storm over ${side.key}${service === null ? "" : ` ${service}`}: ${kind}, for ${(until - world.clock.now) / 1000} s`,
  );
}

function someService(side: Side, random: Random): string {
  const served = Object.values(kinds).map(providerService);
  return random.pick(served.filter((service) => (service === "Postgres") === (side.provider === "postgres")));
}
