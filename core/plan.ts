import type { Json } from "./json.ts";
import type { Violation } from "./policy.ts";

/** What an intent would do, without doing it. The answer to `?dryRun=true`. */
export type Plan = {
  action: "apply" | "delete";
  team: string;
  service: string;
  environment: string;
  allow: boolean;
  violations: Violation[];
  warnings: Violation[];
  /** The price hints of what would exist afterwards; null where no golden path gives one. */
  monthlyPrice: { amount: number; currency: string } | null;
  resources: {
    name: string;
    type: string;
    version: number;
    change: "create" | "update" | "delete" | "retry" | "none";
    provider: string;
    kind: string;
    /** Per property of the provider's object; references as written. */
    differences: { pointer: string; before: Json; after: Json }[];
    dependsOn: string[];
  }[];
};
