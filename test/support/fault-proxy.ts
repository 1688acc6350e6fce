import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to a call on its way: `drop-after` loses the answer to a call that had its effect. */
export type Fault = "drop-before" | "drop-after" | "hang" | "throttle" | "unavailable";

export type Network = {
  /** The calls so far, by their order, across all servers behind this network. */
  calls: string[];
  /** Decides about the nth call (from 1) since `reset`. */
  plan: (nth: number, call: string) => Fault | null;
  reset(plan?: Network["plan"]): void;
  /** A door to a server: the same protocol, with faults. */
  to(url: string): Promise<string>;
  close(): Promise<void>;
};

/** A network between real clients and real servers, on which calls and answers get lost. */
export function createNetwork(): Network {
  const servers: ReturnType<typeof createServer>[] = [];
  const network: Network = {
    calls: [],
    plan: () => null,
    reset(plan = () => null) {
      network.calls = [];
      network.plan = plan;
    },
    async to(url) {
      const server = createServer((request, response) => void pass(network, url, request, response));
      servers.push(server);
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
  return network;
}

async function pass(network: Network, url: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const call = String(request.headers["x-amz-target"] ?? request.url).replace(/^.*[./]/, "");
  network.calls.push(call);
  const fault = network.plan(network.calls.length, call);
  if (fault === "hang") return;
  if (fault === "drop-before") return void request.socket.destroy();
  if (fault === "throttle") return refuse(response, 400, "ThrottlingException", "Rate exceeded");
  if (fault === "unavailable") return refuse(response, 503, "ServiceUnavailable", "try again");

  const { host: _host, connection: _connection, "content-length": _length, ...headers } = request.headers;
  const answer = await fetch(new URL(request.url ?? "/", url), {
    method: request.method ?? "POST",
    headers: headers as Record<string, string>,
    body: Buffer.concat(chunks),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  if (fault === "drop-after") return void request.socket.destroy();
  const {
    "transfer-encoding": _encoding,
    connection: _kept,
    "keep-alive": _alive,
    ...passed
  } = Object.fromEntries(answer.headers);
  response.writeHead(answer.status, { ...passed, "content-length": body.length }).end(body);
}

function refuse(response: ServerResponse, status: number, name: string, message: string): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0", "x-amzn-errortype": name });
  response.end(JSON.stringify({ __type: name, message }));
}
