import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openIssuer, startIssuerServer } from "../../../local/api-gateway/issuer.ts";
import { remove, temporaryHome } from "./gateway.ts";

let home: string;
beforeEach(() => {
  home = temporaryHome();
});
afterEach(() => remove(home));
const keyPath = () => join(home, "issuer-key.json");

describe("the issuer", () => {
  it("makes a key that was never readable by others", async () => {
    await openIssuer(home);
    expect(statSync(keyPath()).mode & 0o777).toBe(0o600);
  });

  it("keeps one key in the home, whoever makes it first, and nothing else", async () => {
    const [one, other] = await Promise.all([openIssuer(home), openIssuer(home)]);
    const later = await openIssuer(home);
    expect(one.jwks).toEqual(later.jwks);
    expect(other.jwks).toEqual(later.jwks);
    expect(readdirSync(home)).toEqual(["issuer-key.json"]);
    expect(one.issuer).toBe("https://cairn.local/");
  });

  it("shows no private part of the key", async () => {
    const { jwks } = await openIssuer(home);
    expect(Object.keys(jwks.keys[0] ?? {}).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
    expect(jwks.keys[0]).toMatchObject({ kty: "RSA", alg: "RS256", use: "sig" });
    expect(Buffer.from(jwks.keys[0]?.n ?? "", "base64url")).toHaveLength(256);
  });

  it("closes a key that a copied home left open to others", async () => {
    await openIssuer(home);
    chmodSync(keyPath(), 0o644);
    await openIssuer(home);
    expect(statSync(keyPath()).mode & 0o777).toBe(0o600);
  });

  it("says what to do about a damaged key", async () => {
    writeFileSync(keyPath(), '{"kty":');
    await expect(openIssuer(home)).rejects.toThrow(/is damaged: remove it/);
  });

  it("signs for twelve hours unless told otherwise", async () => {
    const issuer = await openIssuer(home);
    const { iat = 0, exp } = decodeJwt(await issuer.sign({ sub: "ada" }));
    expect(exp).toBe(iat + 12 * 3600);
    const short = decodeJwt(await issuer.sign({ sub: "ada" }, 60));
    expect(short.exp).toBe((short.iat ?? 0) + 60);
  });

  it("can be discovered and its tokens verified over HTTP", async () => {
    const issuer = await openIssuer(home);
    const server = await startIssuerServer(issuer);
    const document = (await (await fetch(`${server.url}/.well-known/openid-configuration`)).json()) as {
      issuer: string;
      jwks_uri: string;
    };
    expect(document).toMatchObject({ issuer: "https://cairn.local/", jwks_uri: `${server.url}/.well-known/jwks.json` });
    const keys = createRemoteJWKSet(new URL(document.jwks_uri));
    const { payload } = await jwtVerify(await issuer.sign({ sub: "ada" }), keys, {
      issuer: document.issuer,
      audience: "cairn",
    });
    expect(payload.sub).toBe("ada");
    expect((await fetch(`${server.url}/else`)).status).toBe(404);
    await server.close();
  });
});
