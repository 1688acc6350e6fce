import type { ResourceRequest } from "../../core/definition.ts";
import type { Intent } from "../../core/intent.ts";
import type { JsonObject } from "../../core/json.ts";
import { type Character, keyOf } from "./character.ts";
import { poisonedSize, refusedSize } from "./kinds.ts";
import { developerOf, names, type Place, platform } from "./places.ts";
import type { Random } from "./random.ts";
import { type ApiRequest, type Ask, requestOf } from "./requests.ts";
import type { State } from "./state.ts";

type Scene = { requests: readonly ApiRequest[]; character: Character; random: Random; nth: number };

/** Whoever asked last changes their mind. */
export function anotherRequest({ requests, character, random, nth }: Scene): ApiRequest {
  const sent = requests.flatMap(({ asked }) => (asked.ask === "intent" ? [asked] : []));
  const place = placeOf(sent.at(-1)?.intent) ?? random.pick(character.places);
  const wanted = intentOf({ character, random, place, first: false, sent });
  const intent: Intent = random.chance(0.5) ? { action: "delete", ...place, resources: null } : wanted;
  return requestOf({ ask: "intent", key: `key-${nth}-at-once`, intent }, developerOf(place));
}

function placeOf(intent: Intent | undefined): Place | undefined {
  if (intent === undefined) return undefined;
  const { team, service, environment } = intent;
  return { team, service, environment } as Place;
}

/** A caller without an answer asks again; else somebody sends something new, or the same once more. */
export function someRequest({ requests, character, random, nth }: Scene): ApiRequest {
  const unanswered = requests.filter(({ answer, run }) => answer === null && run === null);
  if (unanswered.length > 0 && random.chance(0.6)) return random.pick(unanswered);
  const sent = requests.flatMap(({ asked, caller }) => (asked.ask === "intent" ? [{ ...asked, caller }] : []));
  const place = nth < character.places.length ? character.places[nth] : undefined;
  const scene = { character, random, place: place ?? random.pick(character.places), first: place !== undefined, sent };
  if (sent.length > 0 && random.chance(0.15)) {
    const { key, caller, intent } = random.pick(sent);
    const again = random.chance(0.5) ? intent : intentOf({ ...scene, place: placeOf(intent) ?? scene.place });
    return requestOf({ ask: "intent", key, intent: again }, caller);
  }
  return requestOf({ ask: "intent", key: `key-${nth}`, intent: intentOf(scene) }, developerOf(scene.place));
}

type Drawn = {
  character: Character;
  random: Random;
  place: Place;
  first: boolean;
  sent: readonly { intent: Intent }[];
};

function intentOf(drawn: Drawn): Intent {
  const { random, place, first, sent } = drawn;
  const roll = random.next();
  if (!first && roll < 0.1) return { action: "delete", ...place, resources: null };
  if (!first && roll < 0.3) {
    const chosen = names.filter(() => random.chance(0.35));
    return { action: "delete", ...place, resources: chosen.length === 0 ? ["a"] : chosen };
  }
  const before = sent
    .map(({ intent }) => intent)
    .findLast((intent) => intent.action === "apply" && keyOf(intent as Place) === keyOf(place));
  if (roll < 0.4 && before !== undefined) return before;
  const chosen = names.filter(() => random.chance(first ? 0.7 : 0.4));
  const wanted = chosen.length === 0 ? (["b"] as const) : chosen;
  return {
    action: "apply",
    ...place,
    resources: Object.fromEntries(wanted.map((name) => [name, asked(drawn, name, wanted)])),
  };
}

function asked({ character, random, place }: Drawn, name: string, together: readonly string[]): ResourceRequest {
  const uses = together
    .filter((other) => other < name && random.chance(0.5))
    .map((other) => `\${resources.${other}.outputs.endpoint}`);
  const type = character.types[keyOf(place)]?.[name] ?? "named";
  const secret: JsonObject = type !== "database" && random.chance(0.2) ? { secret: `s${random.below(3)}` } : {};
  return { type, parameters: { size: sizeOf(random, type), uses, ...secret } };
}

function sizeOf(random: Random, type: string): number | "denied" {
  if (random.chance(0.04)) return refusedSize;
  if (random.chance(0.02)) return "denied";
  return type !== "database" && random.chance(0.02) ? poisonedSize : 1 + random.below(3);
}

/** What people do by hand: another try, giving a record up, a look, a breaker. */
export function somethingByHand({ resources, breakers }: State, random: Random): ApiRequest | null {
  const known = [...resources.all];
  if (known.length === 0) return null;
  const roll = random.next();
  if (roll < 0.2) {
    const held = [...breakers.all].find(({ heldBy }) => heldBy !== null);
    return requestOf(
      { ask: "breaker", ...breakerOf(held ?? random.pick(known)), state: held ? "CLOSED" : "OPEN" },
      platform,
    );
  }
  const failed = known.filter(({ status }) => status === "FAILED");
  const { id, team } = random.pick(failed.length > 0 && random.chance(0.7) ? failed : known);
  const ask: Ask["ask"] = roll < 0.65 ? "retry" : roll < 0.85 ? "verify" : "abandon";
  const caller =
    ask === "abandon" || random.chance(0.2) ? platform : { subject: "dana", role: "developer" as const, team };
  return requestOf({ ask, resource: id }, caller);
}

/** Of a breaker's row, or of the one that stands before a resource. */
export function breakerOf(row: { id: string } | { target: string; service: string }) {
  const [target = "", service = ""] = "target" in row ? [row.target, row.service] : row.id.split(" ");
  const [environment = "", provider = ""] = target.split("/");
  return { environment, provider, service };
}
