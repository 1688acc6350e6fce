import type { ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { whereThrown } from "../core/where-thrown.ts";
import type { ApiDeps, ApiEnv } from "./deps.ts";
import { Problem, problemResponse } from "./problem.ts";

/** Errors whose name says that trying again later helps (law F8); everything else thrown is a fault of ours. */
const passing = new Map([
  ["StoreUnavailable", "the store cannot be reached right now; nothing is lost"],
  ["LookNotStarted", "the look could not be started right now, and none is under way; ask again"],
]);

/**
 * Turns what was thrown into a problem document. A caller learns a request's id and nothing of what is inside; the log
 * gets the error's name and where it was thrown, never its message, which may quote a value.
 */
export function onError(log: ApiDeps["log"]): ErrorHandler<ApiEnv> {
  return (error, c) => {
    if (error instanceof Problem) return problemResponse(error);
    if (error instanceof HTTPException) return problemResponse(fromHono(error));
    const request = c.env?.requestContext?.requestId ?? "";
    const unavailable = passing.get(error.name);
    const cause = error.cause instanceof Error ? error.cause.name : undefined;
    log?.({
      level: unavailable ? "warn" : "error",
      what: unavailable ? "a request has to be repeated" : "a request failed",
      error: error.name,
      ...(cause === undefined ? {} : { cause }),
      at: whereThrown(error),
      route: `${c.req.method} ${c.req.path}`,
      request,
    });
    return problemResponse(
      unavailable
        ? new Problem("unavailable", unavailable, { requestId: request }, { "retry-after": "2" })
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
