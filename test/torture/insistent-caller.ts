import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../simulation/random.ts";

export type Reply = { status: number; text: string; replayed: boolean };

/** How requests fared, counted: `answered` by status, and each try that brought no answer. */
export type Fates = { [fate: string]: number };

/** A fault of Cairn's own: what it does not know it answers with 503. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** Nobody answered for so long that it is no outage any more. */
export class NeverAnswered extends Error {
  override readonly name = "NeverAnswered";
}

export type InsistentCaller = ReturnType<typeof createInsistentCaller>;

/** Some kills in a row while it starts, on a busy machine, have been two minutes without anybody to answer. */
const patienceMs = 240_000;

/**
 * A caller who asks until it is answered. It may never hear an answer because the other side was killed, or because it hung up
 * itself: then it asks the same again, under the same key.
 */
export function createInsistentCaller(options: {
  api: string;
  token: string;
  random: Random;
  fates: Fates;
  /** How often it hangs up on purpose before it is answered. */
  hangsUp: number;
}) {
  const { api, token, random, fates, hangsUp } = options;
  const count = (fate: string) => {
    fates[fate] = (fates[fate] ?? 0) + 1;
  };

  return async (method: string, path: string, body?: unknown, key?: string): Promise<Reply> => {
    for (const until = Date.now() + patienceMs; ; ) {
      // API Gateway gives up after 30 s.
      const reply = await once(random.chance(hangsUp) ? random.next() * 300 : 35_000);
      if (typeof reply === "string") count(reply);
      else {
        count(String(reply.status));
        if (reply.status === 500) throw new InternalError(`${method} ${path} is answered 500: ${reply.text}`);
        if (!comesBack(reply.status)) return reply;
      }
      if (Date.now() > until)
        throw new NeverAnswered(`${method} ${path} is not answered: ${JSON.stringify(reply).slice(0, 300)}`);
      await sleep(50 + random.next() * 400);
    }

    async function once(withinMs: number): Promise<Reply | "no answer" | "hung up"> {
      try {
        const response = await fetch(`${api}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...(key === undefined ? {} : { "idempotency-key": key }),
          },
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
          signal: AbortSignal.timeout(Math.ceil(withinMs)),
        });
        const text = await response.text();
        return { status: response.status, text, replayed: response.headers.get("idempotent-replayed") === "true" };
      } catch (error) {
        return (error as Error).name === "TimeoutError" ? "hung up" : "no answer";
      }
    }
  };
}

/** What says nothing about the request itself. */
function comesBack(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}
