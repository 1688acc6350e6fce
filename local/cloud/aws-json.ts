import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody } from "../http-server.ts";
import type { JsonObject } from "./json.ts";

// AWS JSON 1.0 and 1.1 differ in their media type only.

export type AwsJsonCall = { operation: string; input: JsonObject };

/** The call in a request, or undefined after it was answered with the protocol's own refusal. */
export async function readAwsJsonCall(
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
): Promise<AwsJsonCall | undefined> {
  const body = await readBody(request, 1_048_576);
  if (body === "too-large")
    return refuse(response, 413, "RequestEntityTooLargeException", "the request is above 1 MiB");
  const [service, operation] = String(request.headers["x-amz-target"] ?? "").split(".");
  if (request.method !== "POST" || service !== target || operation === undefined) {
    return refuse(response, 400, "UnknownOperationException", "the request names no operation of this service");
  }
  try {
    const input: unknown = JSON.parse(body.toString() || "{}");
    if (typeof input !== "object" || input === null || Array.isArray(input)) throw new SyntaxError("not an object");
    return { operation, input: input as JsonObject };
  } catch {
    return refuse(response, 400, "SerializationException", "the request's body is no JSON object");
  }
}

export function answerJson(response: ServerResponse, status: number, body: unknown, type = "application/json"): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
}

export function answerError(response: ServerResponse, status: number, name: string, message: string): void {
  response.setHeader("x-amzn-errortype", name);
  answerJson(response, status, { __type: name, message });
}

function refuse(response: ServerResponse, status: number, name: string, message: string): undefined {
  answerError(response, status, name, message);
}
