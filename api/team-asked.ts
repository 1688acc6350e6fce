import type { Caller } from "../core/caller.ts";
import { sees } from "./caller.ts";
import { badRequest, notFound, type Problem } from "./problem.ts";

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

/** As `teamAsked`, for what is listed across teams: undefined is all of them, which only the platform role may mean. */
export function teamOrAll(caller: Caller, named: string | undefined): string | undefined {
  return named === undefined && caller.role === "platform" ? undefined : teamAsked(caller, named);
}

/** Another team's objects are not there, whatever is asked of them. `pointer` is where the request names the team. */
export function requireSight(caller: Caller, team: string, pointer = "team"): void {
  if (!sees(caller, team)) throw noSuchTeam(pointer);
}

export function noSuchTeam(pointer = "team"): Problem {
  return notFound("there is no such team", pointer);
}
