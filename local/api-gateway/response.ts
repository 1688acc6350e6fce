import type { ServerResponse } from "node:http";

/** What is sent to the caller. */
export type HttpResponse = { status: number; headers: { [name: string]: string | string[] }; body: Buffer };

/** Bytes of a request's or a response's body. */
export const maxPayloadBytes = 10 * 1024 * 1024;

/** The gateway's own answer: a JSON body with nothing but a message. */
export function gatewayAnswer(status: number, message: string, headers: { [name: string]: string } = {}): HttpResponse {
  const body = Buffer.from(JSON.stringify({ message }));
  return { status, headers: { ...headers, "content-type": "application/json" }, body };
}

export const internalError = (): HttpResponse => gatewayAnswer(500, "Internal Server Error");

/** The connection's business or the gateway's, whatever a function says. */
const ownHeaders = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "trailer",
  "date",
]);

/**
 * A function's result as a response. Without a `statusCode` the result itself is a JSON body under 200; a result that is
 * malformed is the gateway's 500.
 */
export function fromResult(result: unknown): HttpResponse {
  if (!isRecord(result) || !("statusCode" in result)) return inferred(result);
  const { statusCode, headers = {}, cookies = [], body = "", isBase64Encoded = false } = result;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) return internalError();
  if (typeof (body ?? "") !== "string" || !isRecord(headers ?? {}) || !isTextList(cookies ?? []))
    return internalError();
  const bytes = Buffer.from(String(body ?? ""), isBase64Encoded === true ? "base64" : "utf8");
  if (bytes.length > maxPayloadBytes) return internalError();
  const sent = responseHeaders((headers ?? {}) as { [name: string]: unknown });
  if (sent === undefined) return internalError();
  if (!("content-type" in sent) && bytes.length > 0) sent["content-type"] = "text/plain;charset=UTF-8";
  const setCookie = (cookies ?? []) as string[];
  return { status, headers: setCookie.length === 0 ? sent : { ...sent, "set-cookie": setCookie }, body: bytes };
}

/** Sends a response; one with a header that HTTP does not allow becomes the gateway's 500. */
export function send(response: ServerResponse, { status, headers, body }: HttpResponse, requestId: string): void {
  const without = status === 204 || status === 304;
  try {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader("apigw-requestid", requestId);
    if (!without) response.setHeader("content-length", body.length);
  } catch {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    send(response, internalError(), requestId);
    return;
  }
  response.writeHead(status).end(without || response.req.method === "HEAD" ? undefined : body);
}

function inferred(result: unknown): HttpResponse {
  if (result === undefined || result === null) return internalError();
  const body = Buffer.from(typeof result === "string" ? result : JSON.stringify(result));
  if (body.length > maxPayloadBytes) return internalError();
  return { status: 200, headers: { "content-type": "application/json" }, body };
}

function responseHeaders(headers: { [name: string]: unknown }): { [name: string]: string } | undefined {
  const sent: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === null || typeof value === "object") return undefined;
    if (!ownHeaders.has(name.toLowerCase())) sent[name.toLowerCase()] = String(value);
  }
  return sent;
}

function isRecord(value: unknown): value is { [member: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
