import { randomUUID } from "node:crypto";
import { chmod, link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  SignJWT,
} from "jose";
import { type HttpServer, listen } from "../http-server.ts";

/** Who signs this machine's tokens. It names no port, so that a token outlives a restart on another one. */
export const issuerName = "https://cairn.local/";
/** Whom its tokens are for. */
export const audience = "cairn";

export type Issuer = {
  issuer: string;
  /** The public keys, as a JWT authorizer fetches them. */
  jwks: JSONWebKeySet;
  /** A token with these claims; `iss`, `aud`, `iat`, `exp` and `jti` are filled in where they are left out. */
  sign(claims: { readonly [claim: string]: unknown }, ttlSeconds?: number): Promise<string>;
};

const keyFile = "issuer-key.json";
const twelveHours = 12 * 60 * 60;

/** The issuer whose key is kept in this home; the first one to open it makes the key. */
export async function openIssuer(home: string): Promise<Issuer> {
  const path = join(home, keyFile);
  const privateJwk = (await readKey(path)) ?? (await makeKey(path));
  const { kty, n, e, kid, alg, use } = privateJwk;
  const key = await importJWK(privateJwk, "RS256");
  return { issuer: issuerName, jwks: { keys: [{ kty, n, e, kid, alg, use } as JWK] }, sign };

  function sign(claims: { readonly [claim: string]: unknown }, ttlSeconds = twelveHours): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const all = { iss: issuerName, aud: audience, iat, exp: iat + ttlSeconds, jti: randomUUID(), ...claims };
    return new SignJWT(all).setProtectedHeader({ alg: "RS256", typ: "JWT", kid: kid as string }).sign(key);
  }
}

/** What an authorizer, or a person, looks up about the issuer: its discovery document and its keys. */
export async function startIssuerServer(issuer: Issuer, port?: number): Promise<HttpServer> {
  const server: HttpServer = await listen(
    (request, response) => {
      const found = documents()[request.url ?? ""];
      response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(found ?? { message: "Not Found" }));
    },
    { port },
  );
  const documents = (): { [path: string]: object } => ({
    "/.well-known/openid-configuration": {
      issuer: issuer.issuer,
      jwks_uri: `${server.url}/.well-known/jwks.json`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    },
    "/.well-known/jwks.json": issuer.jwks,
  });
  return server;
}

async function readKey(path: string): Promise<JWK | undefined> {
  try {
    const text = await readFile(path, "utf8");
    // A copied home may have lost it: whoever reads the key can be anyone.
    if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
    return JSON.parse(text) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`${path} is damaged: remove it, and new tokens will be signed with a new key`, { cause: error });
  }
}

/** Written beside and linked into place: of two processes that make a key at once, both end up with the same one. */
async function makeKey(path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", { modulusLength: 2048, extractable: true });
  const jwk = await exportJWK(privateKey);
  const key: JWK = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: "RS256", use: "sig" };
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(key), { mode: 0o600, flag: "wx", flush: true });
  try {
    await link(draft, path);
    return key;
  } catch (error) {
    const winner = (error as NodeJS.ErrnoException).code === "EEXIST" ? await readKey(path) : undefined;
    if (winner === undefined) throw error;
    return winner;
  } finally {
    await rm(draft, { force: true });
  }
}
