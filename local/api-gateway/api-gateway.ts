import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type HttpServer, listen, readBody } from "../http-server.ts";
import type { InvokeResult } from "../lambda/errors.ts";
import { type AuthorizerOptions, createAuthorizer, type Verdict } from "./authorizer.ts";
import { type HttpApiEvent, toEvent } from "./event.ts";
import { fromResult, gatewayAnswer, type HttpResponse, internalError, maxPayloadBytes, send } from "./response.ts";
import { createThrottle, type ThrottleOptions } from "./throttle.ts";

export type ApiGatewayOptions = {
  port: number;
  host?: string | undefined;
  accountId: string;
  /** The function behind every route. */
  invoke: (event: HttpApiEvent) => Promise<InvokeResult>;
  authorizer: AuthorizerOptions;
  /** Routes without the authorizer, as `GET /healthz`. Everything else is `$default`, with it. */
  openRoutes: readonly string[];
  /** Seconds that the function may take: the service's limit is 30. */
  timeoutSeconds?: number | undefined;
  /** No limit when left out. */
  throttle?: ThrottleOptions | undefined;
  now?: (() => number) | undefined;
};

/** Bytes of the request line and the headers together. */
const maxHeaderBytes = 10_240;
const apiId = "local";

/**
 * An HTTP API in front of one function: payload format 2.0, a JWT authorizer, and the service's own refusals.
 *
 * @throws {PortError} naming the port and `PORT=`
 */
export async function startApiGateway(options: ApiGatewayOptions): Promise<HttpServer> {
  const { port, host, accountId, openRoutes, timeoutSeconds = 30, now = Date.now } = options;
  const authorize = createAuthorizer(options.authorizer);
  const admit = options.throttle === undefined ? () => true : createThrottle(options.throttle, now);
  return listen((request, response) => void answer(request, response), {
    port,
    host,
    portVariable: "PORT",
    maxHeaderBytes,
    webPages: true,
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    const found = await respond(request, requestId).catch(internalError);
    send(response, found, requestId);
  }

  async function respond(request: IncomingMessage, requestId: string): Promise<HttpResponse> {
    const target = parseTarget(request.url ?? "");
    if (target === undefined) return gatewayAnswer(400, "Bad Request");
    if (!admit()) return gatewayAnswer(429, "Too Many Requests");
    const route = `${request.method} ${target.sent}`;
    const routeKey = openRoutes.includes(route) ? route : "$default";
    const verdict = routeKey === "$default" ? await authorize(request.headers.authorization) : null;
    if (verdict?.ok === false) return unauthorized(verdict);
    const body = await readBody(request, maxPayloadBytes);
    if (body === "too-large") return tooLarge();
    const claims = verdict?.claims ?? null;
    const { path, query } = target;
    const event = toEvent(request, { path, query, routeKey, body, claims, requestId, accountId, apiId, now: now() });
    const result = await within(timeoutSeconds, options.invoke(event));
    if (result === "late") return gatewayAnswer(503, "Service Unavailable");
    if (result.ok) return fromResult(result.payload);
    // The function takes less than the gateway does: an event above Lambda's 6 MB never reaches it.
    return result.error.errorType === "RequestTooLargeException" ? tooLarge() : internalError();
  }
}

/**
 * `path` is decoded and ends at a decoded `?`, as the service hands it on; `sent` is what routes are matched with;
 * `query` is as it was sent. Undefined when the target is malformed.
 */
function parseTarget(url: string): { path: string; sent: string; query: string } | undefined {
  if (!url.startsWith("/")) return undefined;
  const at = url.indexOf("?");
  const sent = at < 0 ? url : url.slice(0, at);
  try {
    const [path = ""] = decodeURIComponent(sent).split("?", 1);
    return { path, sent, query: at < 0 ? "" : url.slice(at + 1) };
  } catch {
    return undefined;
  }
}

function unauthorized({ description }: Extract<Verdict, { ok: false }>): HttpResponse {
  const quoted = description.replaceAll(/[^ -~]|["\\]/g, "'");
  const details = quoted === "" ? "" : ` scope="" error="invalid_token" error_description="${quoted}"`;
  return gatewayAnswer(401, "Unauthorized", { "www-authenticate": `Bearer${details}` });
}

function tooLarge(): HttpResponse {
  return gatewayAnswer(413, "Request Entity Too Large");
}

async function within<T>(seconds: number, work: Promise<T>): Promise<T | "late"> {
  const { promise, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), seconds * 1000);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
