import { z } from "zod";
import { roles } from "../core/caller.ts";

/** What a deployment says of its callers: the stage's file in `infra/stages`, handed on as CAIRN_CALLERS. */
export const callerRules = z.strictObject({
  /** What the identity provider calls these two claims. */
  claims: z.strictObject({ team: z.string(), role: z.string() }),
  /** `sub`s that are the platform whatever their claims say: its first user, before the provider knows roles. */
  platformSubjects: z.array(z.string()),
  /** Roles in Cairn's own account that machines take on, each as `arn:aws:sts::ACCOUNT:assumed-role/NAME`. */
  machines: z.array(z.strictObject({ principal: z.string(), role: z.literal(roles), team: z.string().nullable() })),
});

export type CallerRules = z.infer<typeof callerRules>;

/** Claims called `team` and `role`, and nobody but who has them. */
export const plainRules: CallerRules = { claims: { team: "team", role: "role" }, platformSubjects: [], machines: [] };
