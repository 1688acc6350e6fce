import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { JWK } from "jose";
import { type Issuer, openIssuer } from "../../local/api-gateway/issuer.ts";
import type { Certificate } from "./certificate.ts";

/**
 * An identity provider on this machine: it serves its discovery document and its keys, and signs.
 *
 * @param moreKeys what it is said to sign with as well, for tokens that no provider would make
 */
export async function startIssuer(folder: string, { key, certificate }: Certificate, moreKeys: readonly JWK[]) {
  const { jwks, sign } = await openIssuer(folder);
  const keys = { keys: [...jwks.keys, ...moreKeys] };
  const server = createServer({ key, cert: certificate }, (request, response) => {
    const found = documents[request.url ?? ""];
    response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { message: "Not Found" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const documents: { [path: string]: object } = {
    "/.well-known/openid-configuration": { issuer, jwks_uri: `${issuer}/keys` },
    "/keys": keys,
  };
  const signed: Issuer = { issuer, jwks: keys, sign: (claims, ttl) => sign({ iss: issuer, ...claims }, ttl) };
  return {
    ...signed,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
