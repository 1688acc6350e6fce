import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { z } from "zod";
import { Problem } from "./problem.ts";

/** A strong validator: the same bytes, the same tag. 128 bits of the body's SHA-256. */
export function etagOf(body: string): string {
  return `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
}

/** The answer to a read: with its tag, or `304` when the caller already has it. */
export function readReply(c: Context, value: object): Response {
  const body = JSON.stringify(value);
  const etag = etagOf(body);
  // Kept only by the caller's own cache, and asked about each time: statuses change by the second.
  const headers = { etag, "cache-control": "private, no-cache", vary: "Authorization" };
  if (matches(c.req.header("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  return new Response(body, { status: 200, headers: { ...headers, "content-type": "application/json" } });
}

/** The answer to a write. */
export function writeReply(status: 200 | 201 | 202, value: object, headers: { [name: string]: string } = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}

/**
 * The answer to a PUT: `201` or `200`, with the tag that a following `If-Match` needs. What a function of the store gives back
 * comes out of `jsonb`, which keeps no order; in the contract's order it is what a read answers, to the byte.
 */
export function putReply(c: Context, created: boolean, contract: z.ZodType<object>, stored: object): Response {
  const value = contract.parse(stored);
  const headers = { etag: etagOf(JSON.stringify(value)), ...(created ? { location: locationOf(c) } : {}) };
  return writeReply(created ? 201 : 200, value, headers);
}

/** The same path again, with what else names the object. */
function locationOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}

/**
 * Law F5: refuses a PUT that was based on something else than what is stored. `read` is only called when the request
 * is conditional, so an unconditional PUT stays one round trip.
 */
export async function checkPreconditions(c: Context, read: () => Promise<object | null>): Promise<void> {
  const ifMatch = c.req.header("if-match");
  const ifNoneMatch = c.req.header("if-none-match");
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  const current = await read();
  const etag = current === null ? null : etagOf(JSON.stringify(current));
  if (ifMatch !== undefined && (etag === null || !matches(ifMatch, etag, "strong"))) {
    throw new Problem("precondition-failed", "If-Match names another version than the one stored; read it again");
  }
  if (etag !== null && matches(ifNoneMatch, etag)) {
    throw new Problem("precondition-failed", "If-None-Match excludes what is stored");
  }
}

/** RFC 9110: If-None-Match compares weakly, since a proxy that compresses weakens tags; If-Match never takes a weak one. */
function matches(header: string | undefined, etag: string, comparison: "weak" | "strong" = "weak"): boolean {
  if (header === undefined) return false;
  const tags = header.split(",").map((tag) => tag.trim());
  return tags.some((tag) => tag === "*" || (comparison === "weak" ? tag.replace(/^W\//, "") : tag) === etag);
}
