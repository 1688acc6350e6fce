import { createMiddleware } from "hono/factory";
import { type Caller, type Role, roles, type Scope } from "../core/caller.ts";
import { namePattern } from "../core/names.ts";
import type { ApiEnv } from "./deps.ts";
import { Problem } from "./problem.ts";

/**
 * Who is calling, from claims that API Gateway's JWT authorizer has verified (`requestContext.authorizer.jwt.claims`;
 * it hands all claims on as strings). This is the one place that gives claims a meaning:
 *
 * | claim  | becomes   | refused when |
 * |--------|-----------|--------------|
 * | `sub`  | `subject` | missing, empty, over 255 characters or with control characters in it |
 * | `role` | `role`    | none of viewer, developer, platform |
 * | `team` | `team`    | no team's name; missing for a viewer or a developer (`platform` may be without) |
 */
export function callerOf(claims: { [name: string]: unknown }): Caller {
  const { sub, role, team = null } = claims;
  if (typeof sub !== "string" || !/^[^\p{Cc}\p{Cs}]{1,255}$/u.test(sub))
    throw forbidden("the token's sub names nobody");
  if (!isRole(role)) throw forbidden(`the token's role is none of ${roles.join(", ")}`);
  if (team === null || team === "") {
    if (role !== "platform") throw forbidden(`the token names no team, and ${role} is a role within one`);
    return { subject: sub, role, team: null };
  }
  if (typeof team !== "string" || !namePattern.test(team)) throw forbidden("the token's team is no team's name");
  return { subject: sub, role, team };
}

/** Everything below `/v1` has a caller. The gateway lets nobody in without a token, so the 401 is a second wall. */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  const claims = c.env?.requestContext?.authorizer?.jwt?.claims;
  if (claims === undefined) {
    throw new Problem(
      "unauthenticated",
      "no verified token came with this request",
      {},
      { "www-authenticate": "Bearer" },
    );
  }
  c.set("caller", callerOf(claims));
  await next();
});

/** Whose rows the caller's statements may see. */
export function scopeOf(caller: Caller): Scope {
  if (caller.role === "platform") return "platform";
  if (caller.team === null) throw forbidden("the token names no team");
  return { team: caller.team };
}

/** Whether the caller may know that this team's objects exist. */
export function sees(caller: Caller, team: string): boolean {
  return caller.role === "platform" || caller.team === team;
}

function isRole(value: unknown): value is Role {
  return roles.some((role) => role === value);
}

function forbidden(detail: string): Problem {
  return new Problem("forbidden", detail);
}
