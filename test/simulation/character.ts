import { type Delivery, deliveries, type Port } from "./delivery.ts";
import { typeNames } from "./kinds.ts";
import { names, type Place, somePlaces, type TargetKey } from "./places.ts";
import type { Random } from "./random.ts";
import { type StormKind, someWeather, stormKinds, type Weather } from "./weather.ts";

/** What a seed is like: each tries some faults often and leaves others out, or all seeds would be the same soup. */
export type Character = {
  places: readonly Place[];
  /** The type of each place's names. */
  types: { [place: string]: { [name: string]: string } };
  faults: number;
  deliveries: { readonly [port in Port]: readonly Delivery[] };
  vanish: number;
  /** How late a late call may be, in milliseconds: within its caller's deadline, or long after it. */
  lateness: number;
  weather: Weather;
  storms: { chance: number; kinds: readonly StormKind[]; lasting: boolean };
  /** How often a cloud denies for seconds what it has made, just when somebody asks for something. */
  denials: number;
  failovers: number;
  /** Requests a second of each target; null: as many as a target gets that names none. */
  rate: number | null;
  intents: number;
  /** How often whoever has asked for something asks for something else at once. */
  haste: number;
  people: number;
  drift: number;
  duplicates: number;
  patience: number;
  longSleep: boolean;
};

export function characterOf(random: Random): Character {
  const some = <T>(list: readonly T[]): T[] => list.filter(() => random.chance(0.6));
  const places = somePlaces(random);
  const typesOf = () => Object.fromEntries(names.map((name) => [name, random.pick(typeNames)]));
  return {
    places,
    types: Object.fromEntries(places.map((place) => [keyOf(place), typesOf()])),
    faults: random.pick([0, 0.03, 0.08, 0.15, 0.3]),
    deliveries: {
      store: some(deliveries.store),
      provider: some(deliveries.provider),
      start: some(deliveries.start),
    },
    vanish: random.pick([0, 0.5, 1]),
    lateness: random.pick([27_000, 27_000, 600_000]),
    weather: someWeather(random),
    storms: { chance: random.pick([0, 0, 0.01, 0.03]), kinds: some(stormKinds), lasting: random.chance(0.3) },
    failovers: random.pick([0, 0, 0.005]),
    rate: random.pick([null, null, 1, 0.3]),
    intents: random.pick([0.02, 0.05, 0.1]),
    people: random.pick([0, 0.01, 0.03]),
    drift: random.pick([0, 0, 0.01]),
    duplicates: random.pick([0, 0.02, 0.06]),
    patience: random.pick([0.05, 0.2, 0.4]),
    longSleep: random.chance(0.05),
    haste: random.pick([0, 0, 0.5]),
    denials: random.pick([0, 0, 0.03]),
  };
}

export function keyOf({ team, service, environment }: Place): string {
  return `${team}/${service}/${environment}`;
}

/** Where a seed's resources may live. */
export function targetsOf({ places }: Character): TargetKey[] {
  const keys = places.flatMap(({ environment }): TargetKey[] => [`${environment}/aws`, `${environment}/postgres`]);
  return [...new Set(keys)];
}
