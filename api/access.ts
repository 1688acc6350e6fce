import { createMiddleware } from "hono/factory";
import type { Role } from "../core/caller.ts";
import type { ApiEnv } from "./deps.ts";
import { Problem } from "./problem.ts";

/**
 * Who may call a route, as data: it is enforced here and written into the OpenAPI document as `x-cairn-access`, from
 * which a test walks every route with every role of the own and of another team (laws.md, Security 1).
 */
export type Access = {
  roles: readonly Role[];
  /** Whose the objects behind the route are: another team's answer 404; what is shared, every team reads. */
  objects: "team" | "shared";
};

export const readTeam: Access = { roles: ["viewer", "developer", "platform"], objects: "team" };
export const changeTeam: Access = { roles: ["developer", "platform"], objects: "team" };
export const readShared: Access = { roles: ["viewer", "developer", "platform"], objects: "shared" };
export const changeShared: Access = { roles: ["platform"], objects: "shared" };

/** Runs before anything of the request is parsed: who may not send it learns nothing about its faults. */
export function allow(access: Access) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { role } = c.get("caller");
    if (!access.roles.includes(role)) {
      const message = `the role ${role} may not do this; ${access.roles.join(" or ")} may`;
      throw new Problem("forbidden", message, { errors: [{ pointer: "role", message }] });
    }
    await next();
  });
}
