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
  createdAt: string;
  updatedAt: string;
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
