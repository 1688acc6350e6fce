import type { Caller } from "../core/caller.ts";
import { sees } from "./caller.ts";
import { badRequest, notFound } from "./problem.ts";

/** The team that a request is about: `?team=` defaults to the token's team, and the platform role names it. */
export function teamAsked(caller: Caller, named: string | undefined): string {
  if (named === undefined) {
    if (caller.role === "platform" || caller.team === null) {
      throw badRequest([{ pointer: "team", message: "is needed: the platform role belongs to no team" }]);
    }
    return caller.team;
  }
  requireSight(caller, named);
  return named;
}

/** Another team's objects are not there, whatever is asked of them. */
export function requireSight(caller: Caller, team: string): void {
  if (!sees(caller, team)) throw notFound("there is no such team");
}
