import type { NotFoundHandler } from "hono";
import type { Api, ApiEnv } from "./deps.ts";
import { notFound, Problem, problemResponse } from "./problem.ts";

/** `405` with the methods that the path does take, else `404`. */
export function answerUnrouted(api: Api): NotFoundHandler<ApiEnv> {
  return (c) => problemResponse(unrouted(api, c.req.path));
}

export function unrouted(api: Api, path: string): Problem {
  const allowed = methodsOf(api, path);
  if (allowed.length === 0) return notFound("there is no such path; GET /openapi.json lists them");
  const allow = allowed.join(", ");
  return new Problem("method-not-allowed", `this path takes ${allow}`, {}, { allow });
}

function methodsOf(api: Api, path: string): string[] {
  const methods = api.routes
    .filter((route) => route.method !== "ALL" && shapeOf(route.path).test(path))
    .flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return [...new Set(methods)].sort();
}

function shapeOf(routePath: string): RegExp {
  return new RegExp(`^${routePath.replace(/:[^/]+/g, "[^/]+").replaceAll(".", "\\.")}$`);
}
