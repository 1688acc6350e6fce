import { createMiddleware } from "hono/factory";
import { type Caller, type Role, roles, type Scope } from "../core/caller.ts";
import { namePattern } from "../core/names.ts";
import { type CallerRules, plainRules } from "./caller-rules.ts";
import type { ApiEnv } from "./deps.ts";
import { Problem } from "./problem.ts";

// The one place that gives what API Gateway has verified a meaning; what a deployment may say about it is caller-rules.ts.

/**
 * Who is calling with a token, from claims that the JWT authorizer has verified (`requestContext.authorizer.jwt.claims`;
 * it hands all claims on as strings, a list as `[a b]`).
 *
 * | claim  | becomes   | refused when |
 * |--------|-----------|--------------|
 * | `sub`  | `subject` | missing, empty, over 255 characters or with control characters in it |
 * | role\* | `role`    | none of viewer, developer, platform; a list of exactly one of them is that one |
 * | team\* | `team`    | no team's name; missing for a viewer or a developer (`platform` may be without) |
 *
 * \* under the name that the stage gives it. A list of several is refused: `[not platform]` is what the authorizer makes
 * both of two roles and of one that is called "not platform".
 */
export function callerOf(claims: { [name: string]: unknown }, rules: CallerRules = plainRules): Caller {
  const { sub } = claims;
  if (typeof sub !== "string" || !/^[^\p{Cc}\p{Cs}]{1,255}$/u.test(sub))
    throw forbidden("the token's sub names nobody");
  const role = rules.platformSubjects.includes(sub) ? "platform" : onlyOne(own(claims, rules.claims.role));
  const team = onlyOne(own(claims, rules.claims.team)) ?? null;
  if (!isRole(role)) throw forbidden(`the token's role is none of ${roles.join(", ")}`);
  if (team === null || team === "") {
    if (role !== "platform") throw forbidden(`the token names no team, and ${role} is a role within one`);
    return { subject: sub, role, team: null };
  }
  if (typeof team !== "string" || !namePattern.test(team)) throw forbidden("the token's team is no team's name");
  return { subject: sub, role, team };
}

/**
 * Which machine is calling with SigV4, from the principal that API Gateway has verified (`requestContext.authorizer.iam`).
 * `userArn` is `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`; all but the session, which whoever takes the role on may
 * choose, has to be a role that the stage names. Nothing is read out of a name, and no user, root or other role is known.
 */
export function machineOf({ userArn }: { userArn?: unknown }, rules: CallerRules): Caller {
  const [, principal, session] = /^(.+)\/([\w+=,.@-]{2,64})$/.exec(typeof userArn === "string" ? userArn : "") ?? [];
  const machine = rules.machines.find((known) => known.principal === principal);
  if (machine === undefined || session === undefined)
    throw forbidden("this role is none of the machines that may call");
  return { subject: `${principal}/${session}`, role: machine.role, team: machine.team };
}

/** Everything below `/v1` has a caller. The gateway lets nobody in without one, so the 401 is a second wall. */
export function authenticate(rules: CallerRules = plainRules) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { jwt, iam } = c.env?.requestContext?.authorizer ?? {};
    if (jwt?.claims !== undefined) c.set("caller", callerOf(jwt.claims, rules));
    else if (iam !== undefined) c.set("caller", machineOf(iam, rules));
    else throw unauthenticated();
    await next();
  });
}

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

function own(claims: { [name: string]: unknown }, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** `[platform]`, as the authorizer prints a list of one, is `platform`. */
function onlyOne(claim: unknown): unknown {
  return typeof claim === "string" ? (/^\[([^\s[\]]+)\]$/.exec(claim)?.[1] ?? claim) : claim;
}

function isRole(value: unknown): value is Role {
  return roles.some((role) => role === value);
}

function unauthenticated(): Problem {
  const detail = "no verified token came with this request";
  return new Problem("unauthenticated", detail, {}, { "www-authenticate": "Bearer" });
}

function forbidden(detail: string): Problem {
  return new Problem("forbidden", detail);
}
