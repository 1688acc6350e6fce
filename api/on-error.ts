import type { ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { whereThrown } from "../core/where-thrown.ts";
import type { ApiDeps, ApiEnv } from "./deps.ts";
import { Problem, problemResponse } from "./problem.ts";

/** Errors whose name says that trying again later helps (law F8); everything else thrown is a fault of ours. */
const passing = new Set(["StoreUnavailable"]);

/**
 * Turns what was thrown into a problem document. A caller learns a request's id and nothing of what is inside; the log
 * gets the error's name and where it was thrown, never its message, which may quote a value.
 */
export function onError(log: ApiDeps["log"]): ErrorHandler<ApiEnv> {
  return (error, c) => {
    if (error instanceof Problem) return problemResponse(error);
    if (error instanceof HTTPException) return problemResponse(fromHono(error));
    const request = c.env?.requestContext?.requestId ?? "";
    const unavailable = passing.has(error.name);
    log?.({
      level: unavailable ? "warn" : "error",
      what: unavailable ? "the store is not available" : "a request failed",
      error: error.name,
      at: whereThrown(error),
      route: `${c.req.method} ${c.req.path}`,
      request,
    });
    return problemResponse(
      unavailable
        ? new Problem(
            "unavailable",
            "the store cannot be reached right now; nothing is lost",
            { requestId: request },
            { "retry-after": "2" },
          )
        : new Problem("internal", "the request was not completed; its id helps us find out why", {
            requestId: request,
          }),
    );
  };
}

/** What the framework itself refuses, before a handler of ours runs. */
function fromHono({ status }: HTTPException): Problem {
  if (status === 413) return new Problem("too-large", "the body is too large");
  if (status === 415) return new Problem("unsupported-media-type", "send the body as application/json");
  if (status < 500) return new Problem("bad-request", "the request could not be read", { errors: [] });
  return new Problem("internal", "the request was not completed");
}
