import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * A free port outside the range from which the system takes ports for outgoing connections (Linux: from 32768, others:
 * from 49152), so that it is still free when the machine starts again.
 */
export async function findPort(): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error("no free port between 20000 and 32000 on 127.0.0.1");
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
