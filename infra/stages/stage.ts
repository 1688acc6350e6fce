import { z } from "zod";

const stageSchema = z.strictObject({
  /** Part of every fixed name: two stages live side by side in one account. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, "lower-case letters, digits and dashes, at most 20"),
  /** Of the tokens the API accepts, exactly as in their `iss`. API Gateway reads its keys from `.well-known`. */
  issuer: z.url({ protocol: /^https$/, error: "must be an https URL" }),
  audience: z.array(z.string().min(1)).min(1),
  store: z
    .strictObject({
      /** Aurora capacity units, 2 GiB of memory each, in steps of 0.5. */
      minCapacity: z.number().min(0).max(256).multipleOf(0.5),
      maxCapacity: z.number().min(1).max(256).multipleOf(0.5),
      backupDays: z.int().min(1).max(35),
      deletionProtection: z.boolean(),
    })
    .refine(({ minCapacity, maxCapacity }) => minCapacity <= maxCapacity, {
      path: ["minCapacity"],
      error: "must not be above maxCapacity",
    }),
  /** How often each READY resource is looked at. */
  driftIntervalSeconds: z.int().min(300),
  /** Accounts in which Cairn may take on a target's role; empty means its own account. */
  targetAccounts: z.array(z.string().regex(/^[0-9]{12}$/, "an account id has 12 digits")),
});

/** What differs from one deployment of Cairn to the next. */
export type Stage = z.infer<typeof stageSchema>;

/** @throws {Error} naming the file, the key and what is allowed */
export function parseStage(file: string, value: unknown): Stage {
  const parsed = stageSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "(the whole)"}: ${message}`);
  throw new Error(`${file} cannot be used:\n${faults.join("\n")}`);
}
