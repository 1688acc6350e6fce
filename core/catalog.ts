import type { Tier } from "./definition.ts";
import type { JsonObject } from "./json.ts";

export type Team = { team: string; name: string | null; contact: string | null; createdAt: string; updatedAt: string };
export type Service = {
  team: string;
  service: string;
  description: string | null;
  createdAt: string;
  updatedAt: string;
};
export type Environment = { environment: string; tier: Tier; createdAt: string; updatedAt: string };
export type Target = {
  environment: string;
  provider: string;
  config: JsonObject;
  /** Provider calls that all of Cairn may make there; `available` is below 0 while a debt is paid off. */
  budget: { requestsPerSecond: number; burst: number; available: number };
  /** Operations of what the caller may see that wait for the budget, or for a breaker. */
  backlog: { budget: number; breaker: number };
  /** Of the services that have failed there, or that somebody has opened or closed by hand. */
  breakers: Breaker[];
  /** null, or since when looks for drift have not found so much there that none of it is believed, and the last report. */
  driftHalted: { since: string; report: string } | null;
  createdAt: string;
  updatedAt: string;
};

/** Lets nothing through to a service that does not answer, but one operation now and then that finds out. */
export type Breaker = {
  /** `AWS::MSK`, `Postgres`. */
  service: string;
  state: "CLOSED" | "OPEN" | "HALF_OPEN";
  /** In a row. */
  failures: number;
  lastError: string | null;
  /** When the next operation is let through. */
  retryAt: string | null;
  /** Who opened it by hand: it stays open until it is closed by hand. */
  heldBy: string | null;
  changedAt: string;
};

/** What may be left outside of a resource whose record was abandoned. */
export type Orphan = {
  id: string;
  resource: { id: string; team: string; service: string; environment: string; name: string; type: string };
  provider: string;
  /** The provider's own type. */
  kind: string;
  /** The name its object has, or would have. */
  externalName: string;
  identifier: string | null;
  /** The provider's handle of the request that was in flight. */
  request: string | null;
  abandonedBy: string;
  abandonedAt: string;
};
export type DecisionView = {
  id: string;
  team: string;
  intentId: string | null;
  allow: boolean;
  policyRevision: string;
  wasmHash: string;
  inputHash: string;
  violations: JsonObject[];
  warnings: JsonObject[];
  createdAt: string;
};
