import type { Caller } from "../../core/caller.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Random } from "./random.ts";

/** A service of a team in an environment: what an intent is about. */
export type Place = { team: string; service: string; environment: "staging" | "production" };

const places: readonly Place[] = [
  { team: "payments", service: "orders", environment: "staging" },
  { team: "payments", service: "orders", environment: "production" },
  { team: "search", service: "index", environment: "staging" },
  { team: "search", service: "crawler", environment: "production" },
];
export const teams = ["payments", "search"];
export const names = ["a", "b", "c", "d"] as const;

/** Half of all seeds look at one place closely; the others at some that share targets, budgets and breakers. */
export function somePlaces(random: Random): readonly Place[] {
  const first = random.pick(places);
  const count = random.pick([1, 1, 2, 3]);
  return [first, ...places.filter((place) => place !== first)].slice(0, count);
}

export function developerOf({ team }: Place): Caller {
  return { subject: "dana", role: "developer", team };
}
export const platform: Caller = { subject: "pat", role: "platform", team: null };

/** Where an environment's objects of one provider live, and what has trouble of its own. */
export type TargetKey = `${Place["environment"]}/${"aws" | "postgres"}`;
export const targetKeys: readonly TargetKey[] = [
  "staging/aws",
  "staging/postgres",
  "production/aws",
  "production/postgres",
];

export function targetConfig(key: TargetKey, requestsPerSecond: number | null): JsonObject {
  const rate = requestsPerSecond === null ? {} : { requestsPerSecond };
  const [environment, provider] = key.split("/") as [string, string];
  if (provider === "aws") return { region: environment, ...rate };
  const place = { clusterArn: `arn:${environment}`, adminSecretArn: `arn:${environment}:admin` };
  return { region: environment, ...place, host: environment, port: 5432, database: "postgres", ...rate };
}
