import { z } from "zod";
import { closed } from "./closed.ts";

/** A verified claim that API Gateway hands on; `api/caller.ts` gives it a meaning. */
const claim = z.string().regex(/^[\w:./-]{1,100}$/, "must be a claim's name");

/** Whose tokens the API for people accepts, and what their claims are called. */
export const tokensSchema = closed({
  /** Exactly as in the tokens' `iss`. API Gateway reads its keys from `{issuer}/.well-known/openid-configuration`. */
  issuer: z
    .url({ protocol: /^https$/, error: "must be an https URL" })
    .refine((issuer) => !/[?#]/.test(issuer), { error: "must have no query and no fragment" }),
  audience: z.array(z.string().min(1)).min(1, "must name at least one audience"),
  claims: closed({ team: claim, role: claim }),
  /**
   * `sub`s that are the platform role whatever their other claims say: the first platform user, before the identity
   * provider gives anybody a role. Take them out again when it does.
   */
  platformSubjects: z
    .array(z.string().min(1).max(255))
    .max(5, "must be at most 5: let the identity provider give the role"),
});
