import { createMiddleware } from "hono/factory";
import { badRequest, Problem } from "./problem.ts";
import { parseStrictJson } from "./strict-json.ts";

/** 256 KiB, well below the gateway's own 10 MB and Lambda's 6 MB. */
export const maxBodyBytes = 256 * 1024;

/**
 * Reads a request's body before any schema sees it: size, media type, UTF-8, strict JSON. A body may be left out where
 * the route says so; it then counts as `{}`.
 */
export function jsonBody({ required }: { required: boolean }) {
  return createMiddleware(async (c, next) => {
    const bytes = await c.req.arrayBuffer();
    if (bytes.byteLength > maxBodyBytes) {
      throw new Problem("too-large", `the body is ${bytes.byteLength} bytes long; ${maxBodyBytes} are taken`);
    }
    if (bytes.byteLength === 0 && !required) {
      const headers = new Headers(c.req.raw.headers);
      headers.set("content-type", "application/json");
      c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers, body: "{}" });
      c.req.bodyCache = {};
      return next();
    }
    requireIdentity(c.req.header("content-encoding"));
    if (bytes.byteLength > 0 || c.req.header("content-type") !== undefined) requireJson(c.req.header("content-type"));
    const parsed = parseStrictJson(decode(bytes));
    if (!parsed.ok) throw badRequest(parsed.errors);
    await next();
  });
}

/** Nothing on the way unpacks a body, and unpacking would let a small request become a large one. */
function requireIdentity(contentEncoding = "identity"): void {
  if (/^\s*identity\s*$/i.test(contentEncoding)) return;
  throw new Problem("unsupported-media-type", "send the body as it is, without a Content-Encoding");
}

function requireJson(contentType: string | undefined): void {
  const [mediaType = "", ...parameters] = (contentType ?? "").toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  if (mediaType.trim() !== "application/json") {
    throw new Problem("unsupported-media-type", "send the body as application/json");
  }
  if (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)) {
    throw new Problem("unsupported-media-type", "JSON is UTF-8; no other charset is taken");
  }
}

function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badRequest([{ pointer: "", message: "the body is not UTF-8" }]);
  }
}
