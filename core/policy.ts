import type { JsonObject } from "./json.ts";

export type Violation = { rule: string; resource: string; pointer: string; message: string; fix: string };
export type Warning = Violation;

/** What one rule evaluation sees. `properties`, `parameters` and `overrides` have references marked as `{ "ref": … }`. */
export type PolicyInput = {
  schema: 1;
  /** Seconds since 1970: WASM has no clock. */
  now: number;
  action: "apply" | "delete";
  caller: { subject: string; role: "viewer" | "developer" | "platform" };
  team: { id: string; contact: string | null };
  service: string;
  environment: { name: string; tier: "development" | "staging" | "production" };
  resource: {
    name: string;
    type: string;
    version: number;
    class: string | null;
    provider: string;
    kind: string;
    region: string | null;
    parameters: JsonObject;
    overrides: JsonObject | null;
    properties: JsonObject;
    /** As asked for by an apply; as it stands for a delete. */
    protected: boolean;
  };
};

export type Verdict = {
  allow: boolean;
  violations: Violation[];
  warnings: Warning[];
  /** Hash of the canonical input. */
  inputHash: string;
};

/** The organisation's rules. Never throws: what cannot be evaluated is denied under the rule `policy-unavailable` (F16). */
export type Policy = {
  revision: string;
  wasmHash: string;
  evaluate(input: PolicyInput): Verdict;
};
