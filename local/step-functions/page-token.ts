import { createHash } from "node:crypto";
import { StatesError } from "./errors.ts";
import type { Request } from "./request.ts";

/** How long the service takes a token. */
const lifeMs = 24 * 60 * 60 * 1000;

/** Where the next page begins, for the same call with the same arguments. */
export function writeToken(operation: string, request: Request, position: number, now: number): string {
  return Buffer.from(JSON.stringify([position, now, digest(operation, request)])).toString("base64url");
}

/**
 * The position that the request's token stands for, if it has one.
 *
 * @throws {StatesError} InvalidToken when it is older than 24 hours, of another call, or none at all
 */
export function readToken(operation: string, request: Request, now: number): number | undefined {
  const token = request.nextToken ?? undefined;
  if (token === undefined) return undefined;
  const [position, writtenAt, arguments_] = parse(token);
  const fresh = typeof writtenAt === "number" && now - writtenAt <= lifeMs;
  if (fresh && typeof position === "number" && arguments_ === digest(operation, request)) return position;
  throw new StatesError("InvalidToken", `Invalid Token: '${token}'`);
}

function parse(token: unknown): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(String(token), "base64url").toString("utf8"));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function digest(operation: string, { nextToken: _, ...request }: Request): string {
  const named = Object.entries(request).filter(([, value]) => value !== null && value !== undefined);
  const sorted = named.sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([operation, sorted]))
    .digest("base64url")
    .slice(0, 16);
}
