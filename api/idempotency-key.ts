import type { Context } from "hono";
import type { ApiEnv } from "./deps.ts";
import { badRequest } from "./problem.ts";

export const idempotencyHeader = "Idempotency-Key";

/**
 * The request's idempotency key: 1 to 255 visible ASCII characters without a comma, by which the gateway joins a header that
 * was sent twice. Read from the event itself, because Hono's adapter percent-encodes a header that is not ASCII, which would
 * let one through under another name.
 */
export function idempotencyKey(c: Context<ApiEnv>): string | null {
  const sent = c.env?.event?.headers?.[idempotencyHeader.toLowerCase()] ?? c.req.header(idempotencyHeader);
  if (sent === undefined) return null;
  if (!/^[\x21-\x7e]+$/.test(sent)) throw refused("must be visible ASCII characters");
  if (sent.includes(",")) throw refused("must be given once, and hold no comma");
  if (sent.length > 255) throw refused("must be at most 255 characters long");
  return sent;
}

export function requiredIdempotencyKey(c: Context<ApiEnv>): string {
  const key = idempotencyKey(c);
  if (key === null) throw refused("is required: a retry with the same key is never a second change");
  return key;
}

function refused(message: string) {
  return badRequest([{ pointer: idempotencyHeader, message }]);
}
