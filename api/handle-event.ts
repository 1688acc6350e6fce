import { handle, type LambdaEvent } from "hono/aws-lambda";
import type { Api, GatewayEvent, GatewayResult } from "./deps.ts";
import { hardening } from "./harden-responses.ts";
import { Problem, problemResponse } from "./problem.ts";

/**
 * The API as a Lambda handler for API Gateway's HTTP API events (payload 2.0). Hono's adapter turns an event into a
 * `Request`; what a `Request` cannot be made of gets a problem document here, like everything else that is refused.
 */
export function eventHandler(api: Api) {
  const answer = handle(api);
  return async (event: GatewayEvent): Promise<GatewayResult> => {
    const request = readable(event);
    if (request === null) return refused();
    return (await answer(request as unknown as LambdaEvent)) as unknown as GatewayResult;
  };
}

/**
 * `rawPath` is decoded, and a URL made of it would be read anew: dot segments (escaped a second time too) would name
 * another route than the one that the gateway let in, a question mark would begin a query, and tabs, line breaks and
 * what is blank at the end would vanish.
 */
const leadsElsewhere = /(?:^|[\\/])(?:\.|%2e){1,2}(?:[\\/]|$)|[\\?#\p{Cc}]| $/iu;
/** The caller's `Host`, which stands before the path in that URL. */
const hostOnly = /^[\w.:[\]-]+$/;

/** The event with the body left out where a method has none (fetch refuses to make such a request), or null. */
function readable(event: GatewayEvent): GatewayEvent | null {
  const { body: _, ...bodiless } = event;
  const method = event.requestContext.http.method.toUpperCase();
  if (leadsElsewhere.test(event.rawPath) || !hostOnly.test(event.requestContext.domainName)) return null;
  try {
    new Request(`https://${event.requestContext.domainName}${event.rawPath}`, { method, headers: headersOf(event) });
  } catch {
    return null;
  }
  return method === "GET" || method === "HEAD" ? bodiless : event;
}

function headersOf(event: GatewayEvent): Headers {
  const headers = new Headers();
  // What is not ASCII is the adapter's to encode; anything else that a header cannot hold is refused.
  for (const [name, value = ""] of Object.entries(event.headers ?? {}))
    headers.set(name, value.replace(/[\u0080-\uffff]/g, ""));
  return headers;
}

async function refused(): Promise<GatewayResult> {
  const response = problemResponse(new Problem("bad-request", "the request could not be read", { errors: [] }));
  return {
    statusCode: response.status,
    headers: { ...Object.fromEntries(response.headers), ...hardening },
    body: await response.text(),
    isBase64Encoded: false,
  };
}
