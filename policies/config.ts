import { z } from "zod";

const names = z.array(z.string().min(1));
const pointers = z.array(z.string().startsWith("/"));
const byTier = { development: names, staging: names, production: names };

/**
 * What `config.yaml` holds, as the rules read it. Strict: a rule that reads a misspelt or missing member says nothing,
 * and silence would allow.
 */
export const policyData = z.strictObject({
  config: z.strictObject({
    revision: z.string().min(1).max(64),
    classes: z.strictObject({
      default: z.strictObject(byTier),
      types: z.record(z.string(), z.strictObject(byTier).partial()),
    }),
    regions: names.min(1),
    regionalProviders: names,
    production: z.strictObject({ backupDays: z.int().min(1), protectedKinds: names }),
    overrides: z.strictObject({
      names,
      kinds: z.record(z.string(), z.strictObject({ deny: pointers, allow: pointers, only: pointers }).partial()),
    }),
  }),
});

export type PolicyData = z.infer<typeof policyData>;
