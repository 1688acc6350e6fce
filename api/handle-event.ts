import { handle, type LambdaEvent } from "hono/aws-lambda";
import type { Api, GatewayEvent, GatewayResult } from "./deps.ts";
import { hardening } from "./harden-responses.ts";
import { unrouted } from "./not-found.ts";
import { badRequest, type Problem, problemResponse } from "./problem.ts";

/**
 * The API as a Lambda handler for API Gateway's HTTP API events (payload 2.0). Hono's adapter turns an event into a
 * `Request`; what a `Request` cannot be made of gets a problem document here, like everything else that is refused.
 */
export function eventHandler(api: Api) {
  const answer = handle(api);
  return async (event: GatewayEvent): Promise<GatewayResult> => {
    const problem = unreadable(api, event);
    if (problem !== null) return refused(problem);
    return (await answer(withoutIdleBody(event) as unknown as LambdaEvent)) as unknown as GatewayResult;
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

/** Why no `Request` can be made of it; null where one can. */
function unreadable(api: Api, { rawPath, headers, requestContext }: GatewayEvent): Problem | null {
  if (leadsElsewhere.test(rawPath)) {
    const message =
      "holds what a path cannot: a dot segment, a backslash, a question mark, a hash, a control character or a blank end";
    return badRequest([{ pointer: parameterAtFault(api, rawPath) ?? "path", message }]);
  }
  if (!hostOnly.test(requestContext.domainName)) return badRequest([{ pointer: "Host", message: "is no host's name" }]);
  const read = new Headers();
  for (const [name, value = ""] of Object.entries(headers ?? {})) {
    if (!takes(read, name, value)) return badRequest([{ pointer: name, message: "is no header that can be read" }]);
  }
  try {
    new Request(`https://${requestContext.domainName}${rawPath}`, { method: requestContext.http.method });
    return null;
  } catch {
    // A method that fetch forbids: TRACE, CONNECT, or what is no method's name.
    return unrouted(api, rawPath);
  }
}

/** The name of the path's parameter that holds what a path cannot, where a route has one there. */
function parameterAtFault(api: Api, rawPath: string): string | undefined {
  for (const { path } of api.routes) {
    const shape = new RegExp(`^${path.replaceAll(".", "\\.").replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`);
    const found = Object.entries(shape.exec(rawPath)?.groups ?? {}).find(([, value]) => leadsElsewhere.test(value));
    if (found !== undefined) return found[0];
  }
  return undefined;
}

function takes(headers: Headers, name: string, value: string): boolean {
  try {
    // What is not ASCII is the adapter's to encode; anything else that a header cannot hold is refused.
    headers.set(name, value.replace(/[\u0080-\uffff]/g, ""));
    return true;
  } catch {
    return false;
  }
}

/** Fetch refuses to make a request with a body where its method has none. */
function withoutIdleBody(event: GatewayEvent): GatewayEvent {
  const { body: _, ...bodiless } = event;
  return /^(GET|HEAD)$/i.test(event.requestContext.http.method) ? bodiless : event;
}

async function refused(problem: Problem): Promise<GatewayResult> {
  const response = problemResponse(problem);
  return {
    statusCode: response.status,
    headers: { ...Object.fromEntries(response.headers), ...hardening },
    body: await response.text(),
    isBase64Encoded: false,
  };
}
