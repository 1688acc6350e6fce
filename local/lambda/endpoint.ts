import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type HttpServer, listen, readBody } from "../http-server.ts";
import { type InvokeResult, maxRequestBytes } from "./errors.ts";
import type { Lambda } from "./lambda.ts";

export type LambdaEndpointOptions = {
  lambda: Pick<Lambda, "invoke" | "find">;
  port?: number | undefined;
  /** Waits before an asynchronous invocation that failed is tried again: Lambda's are one and two minutes. */
  retryDelaysSeconds?: readonly number[] | undefined;
};

type Call = { name: string; payload: unknown; type: string };

/** Bytes of an asynchronous request. */
const maxEventBytes = 1024 * 1024;
const statusOf: { readonly [errorType: string]: number } = {
  ResourceNotFoundException: 404,
  RequestTooLargeException: 413,
  InvalidRequestContentException: 400,
  InvalidParameterValueException: 400,
  TooManyRequestsException: 429,
  ServiceException: 500,
};

/** Lambda's Invoke API over HTTP, for the real client. */
export async function startLambdaEndpoint(options: LambdaEndpointOptions): Promise<HttpServer> {
  const { lambda, port, retryDelaysSeconds = [60, 120] } = options;
  const closing = new AbortController();
  const server = await listen((request, response) => void answer(request, response).catch(() => response.destroy()), {
    port,
  });
  return { ...server, close };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("x-amzn-requestid", randomUUID());
    const call = await parse(request);
    if ("refused" in call) return refuse(response, call.refused, call.message);
    const { name, payload, type } = call;
    if (lambda.find(name) === undefined) return sendError(response, await lambda.invoke(name, null));
    response.setHeader("x-amz-executed-version", "$LATEST");
    if (type === "DryRun") return void response.writeHead(204).end();
    if (type === "Event") {
      void deliver(name, payload);
      return void response.writeHead(202).end();
    }
    return send(response, await lambda.invoke(name, payload));
  }

  /** Lambda tries a function that fails twice more. Nobody waits for it, so the last failure is nobody's to see. */
  async function deliver(name: string, payload: unknown): Promise<void> {
    for (const delay of [0, ...retryDelaysSeconds]) {
      await sleep(delay * 1000, closing.signal);
      if (closing.signal.aborted || (await lambda.invoke(name, payload)).ok) return;
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    await server.close();
  }
}

async function parse(request: IncomingMessage): Promise<Call | { refused: string; message: string }> {
  const url = new URL(request.url ?? "/", "http://lambda");
  const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url.pathname)?.[1];
  if (request.method !== "POST" || name === undefined) {
    return { refused: "UnknownOperationException", message: `${request.method} ${url.pathname} is no operation here` };
  }
  const type = String(request.headers["x-amz-invocation-type"] ?? "RequestResponse");
  if (!["RequestResponse", "Event", "DryRun"].includes(type)) {
    return { refused: "InvalidParameterValueException", message: `InvocationType ${type} is not valid` };
  }
  const limit = type === "Event" ? maxEventBytes : maxRequestBytes;
  const body = await readBody(request, limit);
  if (body === "too-large") {
    const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`;
    return { refused: "RequestTooLargeException", message };
  }
  const qualifier = url.searchParams.get("Qualifier");
  const reference = decodeURIComponent(name) + (qualifier === null ? "" : `:${qualifier}`);
  try {
    return { name: reference, payload: body.length === 0 ? {} : JSON.parse(body.toString("utf8")), type };
  } catch (error) {
    const message = `Could not parse request body into json: ${(error as Error).message}`;
    return { refused: "InvalidRequestContentException", message };
  }
}

function send(response: ServerResponse, result: InvokeResult): void {
  if (!result.ok && result.by === "service") {
    sendError(response, result);
    return;
  }
  response.setHeader("content-type", "application/json");
  if (!result.ok) response.setHeader("x-amz-function-error", "Unhandled");
  response.end(JSON.stringify(result.ok ? result.payload : result.error));
}

function sendError(response: ServerResponse, result: InvokeResult): void {
  if (!result.ok) refuse(response, result.error.errorType, result.error.errorMessage);
}

function refuse(response: ServerResponse, errorType: string, message: string): void {
  const status = statusOf[errorType] ?? 404;
  response.setHeader("x-amzn-errortype", errorType);
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ Type: status < 500 ? "User" : "Service", Message: message, message }));
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
  });
}
