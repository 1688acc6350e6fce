import { createMiddleware } from "hono/factory";
import { badRequest } from "./problem.ts";

export const hardening = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // Nothing here is a page: a browser that is shown an answer runs and frames nothing.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "strict-transport-security": "max-age=63072000; includeSubDomains",
};

/** On every answer, refusals included: set last, because a problem is a response of its own. */
export const hardenResponses = createMiddleware(async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(hardening)) c.res.headers.set(name, value);
});

/** The one query parameter that no schema sees: it vanishes when the parameters become a plain object. */
export const refuseReservedQuery = createMiddleware(async (c, next) => {
  if (new URL(c.req.url).searchParams.has("__proto__"))
    throw badRequest([{ pointer: "__proto__", message: "is unknown" }]);
  await next();
});
