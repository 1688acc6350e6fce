import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Claims } from "./authorizer.ts";

/** API Gateway's event for an HTTP API, payload format 2.0. */
export type HttpApiEvent = {
  version: "2.0";
  routeKey: string;
  rawPath: string;
  rawQueryString: string;
  cookies?: string[];
  headers: { [name: string]: string };
  queryStringParameters?: { [name: string]: string };
  requestContext: {
    accountId: string;
    apiId: string;
    authorizer?: { jwt: { claims: Claims; scopes: null } };
    domainName: string;
    domainPrefix: string;
    http: { method: string; path: string; protocol: string; sourceIp: string; userAgent: string };
    requestId: string;
    routeKey: string;
    stage: "$default";
    time: string;
    timeEpoch: number;
  };
  body?: string;
  isBase64Encoded: boolean;
};

export type EventFacts = {
  routeKey: string;
  path: string;
  query: string;
  body: Buffer;
  claims: Claims | null;
  requestId: string;
  accountId: string;
  apiId: string;
  now: number;
};

/** Headers of the connection, not of the request; cookies travel in a field of their own. */
const notForwarded = new Set(["connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "cookie"]);

export function toEvent(request: IncomingMessage, facts: EventFacts): HttpApiEvent {
  const { routeKey, path, query, body, claims, requestId, accountId, apiId, now } = facts;
  const headers = headersOf(request);
  const cookies = cookiesOf(request);
  const domainName = headers.host ?? "";
  const text = isText(headers) && isUtf8(body);
  const parameters = parametersOf(query);
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: query,
    ...(cookies.length === 0 ? {} : { cookies }),
    headers,
    ...(parameters === undefined ? {} : { queryStringParameters: parameters }),
    requestContext: {
      accountId,
      apiId,
      ...(claims === null ? {} : { authorizer: { jwt: { claims, scopes: null } } }),
      domainName,
      domainPrefix: domainName.split(".", 1)[0] ?? "",
      http: {
        method: request.method ?? "",
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId,
      routeKey,
      stage: "$default",
      time: logTime(now),
      timeEpoch: now,
    },
    ...(body.length === 0 ? {} : { body: body.toString(text ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !text,
  };
}

/** Lower-case names; a repeated one's values are joined with commas, in the order sent. */
function headersOf(request: IncomingMessage): { [name: string]: string } {
  const headers = new Map<string, string>();
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? "").toLowerCase();
    const value = request.rawHeaders[index + 1] ?? "";
    if (notForwarded.has(name)) continue;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  const { remoteAddress = "", localPort = 0 } = request.socket;
  const forwardedFor = headers.get("x-forwarded-for");
  headers.set("x-forwarded-for", forwardedFor === undefined ? remoteAddress : `${forwardedFor}, ${remoteAddress}`);
  headers.set("x-forwarded-port", String(localPort));
  headers.set("x-forwarded-proto", "http");
  if (!headers.has("x-amzn-trace-id")) headers.set("x-amzn-trace-id", traceId());
  return Object.fromEntries(headers);
}

function traceId(): string {
  const seconds = Math.floor(Date.now() / 1000);
  return `Root=1-${seconds.toString(16)}-${randomBytes(12).toString("hex")}`;
}

function cookiesOf(request: IncomingMessage): string[] {
  const sent = request.headers.cookie ?? "";
  return sent.split(/; */).filter((cookie) => cookie !== "");
}

/** Decoded; a repeated one's values are joined with commas. */
function parametersOf(query: string): { [name: string]: string } | undefined {
  if (query === "") return undefined;
  const parameters = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query))
    parameters.set(name, [...(parameters.get(name) ?? []), value]);
  return Object.fromEntries(Array.from(parameters, ([name, values]) => [name, values.join(",")]));
}

/** What the service hands on as text; anything else is base64, and so is text that is none: decoding it would change it. */
function isText(headers: { [name: string]: string }): boolean {
  const type = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const encoded = (headers["content-encoding"] ?? "identity") !== "identity";
  return !encoded && /^(text\/.*|application\/(json|javascript|xml|[^/]+\+json|[^/]+\+xml))$/.test(type);
}

/** The time as access logs write it: 22/Nov/2026:22:39:12 +0000. */
function logTime(now: number): string {
  const [, day, month, year, time] = new Date(now).toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}
