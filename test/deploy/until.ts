import { setTimeout as sleep } from "node:timers/promises";

/** Waits for something that is not nothing. */
export async function until<T>(seconds: number, look: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(500)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`nothing came of it in ${seconds} s: ${look}`);
}
