import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** Waits for something that is not nothing. */
export async function until<T>(seconds: number, look: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(500)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`nothing came of it in ${seconds} s: ${look}`);
}

/** The five minutes until the next look at each resource are over. */
export async function passTime(superuserUrl: string): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = "/cairn";
  const session = new pg.Client({ connectionString: url.href });
  await session.connect();
  await session.query("update cairn.resources set drift_due_at = now()").finally(() => session.end());
}
