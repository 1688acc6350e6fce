import type { IncomingMessage, RequestListener } from "node:http";

const loopback = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/i;

/**
 * Refuses what a web page may have sent. A page that somebody opens on this machine can send a form's POST to any port of
 * 127.0.0.1 without asking, which is all that invoking a function takes; and under a name that its owner points at this address it
 * reads the answers as well (DNS rebinding). An SDK's client sends no Origin and names the machine as this machine does.
 */
export function withoutWebPages(handler: RequestListener): RequestListener {
  return (request, response) => {
    if (!fromWebPage(request)) return handler(request, response);
    request.resume();
    response.writeHead(403, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ message: "This serves clients on this machine: no web page, and no other host name." }),
    );
  };
}

function fromWebPage({ headers: { origin, host = "" } }: IncomingMessage): boolean {
  return origin !== undefined || !loopback.test(host);
}
