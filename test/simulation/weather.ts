import type { Delivery } from "./delivery.ts";
import type { Random } from "./random.ts";

/** How a provider behaves just now. Probabilities; times in milliseconds. */
export type Weather = {
  handlerFailure: number;
  staleMs: number;
  conflictOnReplay: number;
  silentLists: boolean;
  /** That a request takes minutes, up to eleven. */
  slow: number;
};
export const fairWeather: Weather = {
  handlerFailure: 0,
  staleMs: 0,
  conflictOnReplay: 0,
  silentLists: false,
  slow: 0,
};

export function someWeather(random: Random): Weather {
  return {
    handlerFailure: random.pick([0, 0, 0.1, 0.4]),
    staleMs: random.pick([0, 0, 20_000, 100_000]),
    conflictOnReplay: random.pick([0, 0, 0.5, 1]),
    silentLists: random.chance(0.3),
    slow: random.pick([0, 0, 0, 0, 0.3]),
  };
}

/**
 * Trouble that lasts: calls are refused for their rate, answered 5xx (half of them after they had their effect), or hang; or the
 * region is down, and nothing of all that arrives; or Cairn's role may do nothing there; or a cloud denies knowing what exists
 * (law F15).
 */
export type StormKind = "throttling" | "errors" | "hanging" | "down" | "forbidding" | "denying";
export const stormKinds = ["throttling", "errors", "hanging", "down", "forbidding"] as const satisfies StormKind[];
/** In which a provider gives no answer that anybody could go on with: all that is asked of it waits, behind its breaker. */
export const isOutage = (kind: StormKind) => kind !== "forbidding" && kind !== "denying";
export type Storm = {
  kind: StormKind;
  /** The part of the provider that has it, `Sim::Store`; null: all of it. */
  service: string | null;
  strength: number;
  until: number;
};

/** What becomes of a call that the schedule itself lets happen. */
export function deliveryIn(storm: Storm | null, service: string | null, now: number, random: Random): Delivery {
  if (!isIn(storm, service, now) || !random.chance(storm.strength)) return "ok";
  switch (storm.kind) {
    case "throttling":
      return "throttled";
    case "errors":
      return random.pick(["before", "after"]);
    case "hanging":
      return random.pick(["hang-before", "hang-after"]);
    case "down":
      return "refused";
    case "forbidding":
      return "denied";
    // The call arrives; it is the answer that is not true.
    case "denying":
      return "ok";
  }
}

export function isIn(storm: Storm | null, service: string | null, now: number): storm is Storm {
  return storm !== null && storm.until > now && (storm.service === null || storm.service === service);
}
