import { providerService } from "../../core/provider.ts";
import { type Cloud, type CloudCommand, createCloud } from "./cloud.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import type { LedgerObject } from "./ledger.ts";
import { type TargetKey, targetKeys } from "./places.ts";
import type { Random } from "./random.ts";
import { isIn, type Storm, type Weather } from "./weather.ts";

/** The other side of a target: a provider with its own objects, weather and storms; whether it has denied what exists. */
export type Side = { key: TargetKey; storm: Storm | null; denied: boolean } & (
  | { provider: "aws"; cloud: Cloud }
  | { provider: "postgres"; cluster: Cluster }
);

export type Sides = ReturnType<typeof createSides>;

export function createSides(now: () => number, random: Random) {
  const sides: Side[] = targetKeys.map((key) =>
    key.endsWith("/aws")
      ? { key, storm: null, denied: false, provider: "aws", cloud: createCloud(now, random) }
      : { key, storm: null, denied: false, provider: "postgres", cluster: createCluster(now, random) },
  );
  const clouds = sides.flatMap((side) => (side.provider === "aws" ? [side.cloud] : []));

  function at(key: string): Side {
    const side = sides.find((one) => one.key === key);
    if (side === undefined) throw new Error(`there is no target ${key}`);
    return side;
  }

  return {
    all: sides,
    at,
    tick: () => clouds.forEach((cloud) => void cloud.tick()),
    set weather(weather: Weather) {
      for (const cloud of clouds) cloud.weather = weather;
    },
    /** Of all providers. */
    objects: (): LedgerObject[] => sides.flatMap((side) => ledgerOf(side).objects),
    running: (token: string) => clouds.some((cloud) => cloud.running(token)),
    inFlight: () => clouds.flatMap((cloud) => cloud.inFlight()),
    lastEnd: () => Math.max(now(), ...clouds.map((cloud) => cloud.lastEnd())),
    nextChange(): number {
      const times = clouds.map((cloud) => cloud.nextChange() ?? Number.POSITIVE_INFINITY);
      return Math.min(Number.POSITIVE_INFINITY, ...times);
    },
    drift(keys: readonly TargetKey[], chance: Random): string | null {
      const side = at(chance.pick(keys));
      return side.provider === "aws" ? side.cloud.drift() : side.cluster.drift();
    },
  };
}

export function ledgerOf(side: Side) {
  return side.provider === "aws" ? side.cloud.ledger : side.cluster.ledger;
}

export function answerOf(side: Side, command: CloudCommand, now: number, random: Random): object {
  if (side.provider === "postgres") return side.cluster.answer(command);
  const { storm } = side;
  const denies =
    storm?.kind === "denying" && isIn(storm, servedBy(side, command), now) && random.chance(storm.strength);
  return side.cloud.answer(command, denies);
}

/** The part of the provider that a call is for; null where it is for all of them. */
export function servedBy(side: Side, { input }: CloudCommand): string | null {
  if (side.provider === "postgres") return "Postgres";
  const { TypeName, RequestToken } = input as { TypeName?: string; RequestToken?: string };
  const kind = TypeName ?? (RequestToken === undefined ? undefined : side.cloud.kindOf(RequestToken));
  return kind === undefined ? null : providerService(kind);
}
