import { createMiddleware } from "hono/factory";
import { badRequest } from "./problem.ts";

const headers = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // Nothing here is a page: a browser that is shown an answer runs and frames nothing.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "strict-transport-security": "max-age=63072000; includeSubDomains",
};

/**
 * On every answer, refusals included. Also refuses the one query parameter that no schema sees: `__proto__` vanishes
 * when the parameters become a plain object.
 */
export const hardenResponses = createMiddleware(async (c, next) => {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (new URL(c.req.url).searchParams.has("__proto__"))
    throw badRequest([{ pointer: "__proto__", message: "is unknown" }]);
  await next();
});
