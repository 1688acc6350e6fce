import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JWK } from "jose";
import { type ApiGatewayOptions, startApiGateway } from "../../../local/api-gateway/api-gateway.ts";
import type { HttpApiEvent } from "../../../local/api-gateway/event.ts";
import { audience, type Issuer, openIssuer } from "../../../local/api-gateway/issuer.ts";

export const temporaryHome = (): string => mkdtempSync(join(tmpdir(), "cairn gateway "));
export const remove = (path: string): void => rmSync(path, { recursive: true, force: true });

export type Gateway = {
  url: string;
  issuer: Issuer;
  events: HttpApiEvent[];
  /** What the function does with the next events. */
  respond: (event: HttpApiEvent) => unknown;
  close(): Promise<void>;
};

/** A gateway with a function that answers whatever `respond` gives; what it throws is a failed invocation. */
export async function openGateway(more: Partial<ApiGatewayOptions> = {}, moreKeys: JWK[] = []): Promise<Gateway> {
  const home = temporaryHome();
  const issuer = await openIssuer(home);
  const gateway: Gateway = { url: "", issuer, events: [], respond: () => ({ statusCode: 200, body: "ok" }), close };
  const server = await startApiGateway({
    port: 0,
    accountId: "000000000000",
    openRoutes: ["GET /healthz"],
    authorizer: { issuer: issuer.issuer, audience, jwks: { keys: [...issuer.jwks.keys, ...moreKeys] } },
    invoke: async (event) => {
      gateway.events.push(event);
      try {
        return { ok: true, payload: await gateway.respond(event) };
      } catch (error) {
        const { name, message } = error as Error;
        return { ok: false, by: "function", requestId: "r", error: { errorType: name, errorMessage: message } };
      }
    },
    ...more,
  }).catch((error) => {
    remove(home);
    throw error;
  });
  gateway.url = server.url;
  return gateway;

  async function close(): Promise<void> {
    await server.close();
    remove(home);
  }
}

export type RawAnswer = { status: number; headers: { [name: string]: string | string[] | undefined }; body: string };

/** A request as it is given, which fetch would tidy up: repeated headers, odd targets. */
export function raw(
  url: string,
  path: string,
  headers: [string, string][] = [],
  method = "GET",
  body = "",
): Promise<RawAnswer> {
  const { host, hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers: ["Host", host, ...headers.flat()] }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
