import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { withoutWebPages } from "./web-pages.ts";

export type HttpServer = { url: string; port: number; close(): Promise<void> };

/** The port is taken or not allowed: a person at a terminal can mend that at once, so it says how. */
export class PortError extends Error {
  override readonly name = "PortError";
}

export type ListenOptions = {
  port?: number | undefined;
  host?: string | undefined;
  /** The environment variable that chooses another port, named in the error when this one is taken. */
  portVariable?: string | undefined;
  /** Request line and headers together, in bytes; Node answers 431 above it. */
  maxHeaderBytes?: number | undefined;
  /** Web pages may call it as well: whoever calls needs a token. */
  webPages?: boolean | undefined;
  /** How long `close` waits for requests under way before it cuts their connections. */
  closeGraceMs?: number | undefined;
};

/** Serves on loopback, on a free port unless one is asked for, and no web page. */
export async function listen(handler: RequestListener, options: ListenOptions = {}): Promise<HttpServer> {
  const { port = 0, host = "127.0.0.1", portVariable, maxHeaderBytes = 16_384, closeGraceMs = 2000 } = options;
  const listener = options.webPages === true ? handler : withoutWebPages(handler);
  const server = createServer({ maxHeaderSize: maxHeaderBytes }, listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explain(error, host, port, portVariable)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** The whole body, or `too-large` as soon as more than `limit` bytes are announced or sent; the rest is not read. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | "too-large"> {
  if (Number(request.headers["content-length"] ?? 0) > limit) return "too-large";
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > limit) return "too-large";
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function explain(error: NodeJS.ErrnoException, host: string, port: number, variable: string | undefined): Error {
  const choose = variable === undefined ? "" : `: choose another one with ${variable}=${port < 1024 ? 8787 : port + 1}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new PortError(`port ${port} on ${host} is in use${choose}, or stop what uses it`, { cause: error });
    case "EACCES":
      return new PortError(`port ${port} on ${host} may not be used by this user${choose}`, { cause: error });
    default:
      return error;
  }
}
