import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import { exportJWK, exportSPKI, importJWK, type JWK } from "jose";
import { audience, type Issuer } from "../../local/api-gateway/issuer.ts";

/** Keys at hand to sign what an issuer never would. */
export type Signers = {
  /** Whom no authorizer knows. */
  stranger: { privateKey: KeyObject; jwk: JWK };
  /** Two that the authorizer trusts, as `trusted` and, though it takes RSA only, as `curve`. */
  trusted: KeyObject;
  elliptic: KeyObject;
  trustedKeys: JWK[];
};

export async function signers(): Promise<Signers> {
  const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [one, other, curve] = [rsa(), rsa(), generateKeyPairSync("ec", { namedCurve: "P-256" })];
  return {
    stranger: { privateKey: one.privateKey, jwk: await exportJWK(one.publicKey) },
    trusted: other.privateKey,
    elliptic: curve.privateKey,
    trustedKeys: [
      { ...(await exportJWK(other.publicKey)), kid: "trusted" },
      { ...(await exportJWK(curve.publicKey)), kid: "curve" },
    ],
  };
}

export type Tokens = ReturnType<typeof tokensOf>;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Good tokens and forged ones for an authorizer that trusts this issuer and these signers. */
export function tokensOf({ issuer, jwks, sign }: Issuer, keys: Signers) {
  const good = { sub: "ada", team: "payments", role: "developer" };
  return {
    issuer,
    signers: keys,
    /** Of the issuer's own key. */
    kid: jwks.keys[0]?.kid ?? "",
    issued: (claims: object) => sign({ ...good, ...claims }),
    /** All claims of a good token. */
    whole() {
      const iat = Math.floor(Date.now() / 1000);
      return { iss: issuer, aud: audience, iat, exp: iat + 600, ...good };
    },
    /** A token with this header and these claims, signed by any key: a stranger's when none is given. */
    forged(header: object, claims: unknown, key: KeyObject = keys.stranger.privateKey, hash = "sha256"): string {
      const content = `${encode(header)}.${encode(claims)}`;
      return `${content}.${signBytes(hash, Buffer.from(content), key).toString("base64url")}`;
    },
    elliptic(): string {
      const content = `${encode({ alg: "ES256", kid: "curve" })}.${encode(this.whole())}`;
      const signature = signBytes("sha256", Buffer.from(content), { key: keys.elliptic, dsaEncoding: "ieee-p1363" });
      return `${content}.${signature.toString("base64url")}`;
    },
    async publicPem(): Promise<string> {
      const key = await importJWK(jwks.keys[0] as JWK, "RS256", { extractable: true });
      return exportSPKI(key as Parameters<typeof exportSPKI>[0]);
    },
  };
}

/** Each is refused by a JWT authorizer of API Gateway, and is a whole token but for what its reason says. */
export function badTokens(tokens: () => Tokens): [reason: string, make: () => Promise<string> | string][] {
  const now = () => Math.floor(Date.now() / 1000);
  const issued = (claims: object) => tokens().issued(claims);
  const whole = () => tokens().whole();
  const kid = () => tokens().kid;
  const forged = (header: object, claims: unknown, key?: KeyObject, hash?: string) =>
    tokens().forged(header, claims, key, hash);
  const trusted = () => tokens().signers.trusted;
  const parts = async () => (await issued({})).split(".") as [string, string, string];
  return [
    ["an expired token", () => issued({ exp: now() - 1 })],
    ["one that expires this second", () => issued({ exp: now() })],
    ["one that is not valid yet", () => issued({ nbf: now() + 60 })],
    ["one issued in the future", () => issued({ iat: now() + 60 })],
    ["one without exp", () => issued({ exp: undefined })],
    ["one without iat", () => issued({ iat: undefined })],
    ["one without issuer", () => issued({ iss: undefined })],
    ["one without audience", () => issued({ aud: undefined })],
    ["another issuer", () => issued({ iss: "https://cairn.local" })],
    ["an issuer that begins like ours", () => issued({ iss: "https://cairn.local/.evil.example" })],
    ["a list of issuers", () => issued({ iss: [tokens().issuer] })],
    ["another audience", () => issued({ aud: "cairns" })],
    ["an empty audience list", () => issued({ aud: [] })],
    ["another audience beside our client_id", () => issued({ aud: "other", client_id: audience })],
    ["another client_id", () => issued({ aud: undefined, client_id: "other" })],
    ["an expiry that is text", () => issued({ exp: String(now() + 600) })],
    ["a not-before that is text", () => issued({ nbf: "0" })],
    ["an issue time that is text", () => issued({ iat: "0" })],
    ["another key under our kid", () => forged({ alg: "RS256", kid: kid() }, whole())],
    ["another key under its own kid", () => forged({ alg: "RS256", kid: "stranger" }, whole())],
    [
      "a key that the token brings along",
      () => forged({ alg: "RS256", kid: kid(), jwk: tokens().signers.stranger.jwk }, whole()),
    ],
    [
      "a key that the token points at",
      () => forged({ alg: "RS256", kid: kid(), jku: "https://evil.example/jwks.json" }, whole()),
    ],
    ["an x5c chain that the token brings along", () => forged({ alg: "RS256", kid: kid(), x5c: ["AAAA"] }, whole())],
    ["RS512 by a trusted key", () => forged({ alg: "RS512", kid: "trusted" }, whole(), trusted(), "sha512")],
    ["an elliptic key, though trusted", () => tokens().elliptic()],
    [
      "a critical extension nobody knows",
      () => forged({ alg: "RS256", kid: "trusted", crit: ["x"], x: 1 }, whole(), trusted()),
    ],
    ["a trusted key that the token does not name", () => forged({ alg: "RS256" }, whole(), trusted())],
    ["a trusted key under another's kid", () => forged({ alg: "RS256", kid: kid() }, whole(), trusted())],
    ["a kid that is a number", () => forged({ alg: "RS256", kid: 1 }, whole(), trusted())],
    ["alg none without signature", () => `${encode({ alg: "none", kid: kid() })}.${encode(whole())}.`],
    ["alg None in other letters", () => `${encode({ alg: "nOnE", kid: kid() })}.${encode(whole())}.`],
    ["no alg", async () => `${encode({ kid: kid() })}.${encode(whole())}.${(await parts())[2]}`],
    [
      "HS256 with the public key as its secret",
      async () => {
        const content = `${encode({ alg: "HS256", kid: kid() })}.${encode(whole())}`;
        return `${content}.${createHmac("sha256", await tokens().publicPem())
          .update(content)
          .digest("base64url")}`;
      },
    ],
    [
      "HS256 with an empty secret",
      () => {
        const content = `${encode({ alg: "HS256", kid: kid() })}.${encode(whole())}`;
        return `${content}.${createHmac("sha256", "").update(content).digest("base64url")}`;
      },
    ],
    [
      "claims changed after signing",
      async () => {
        const [header, , signature] = await parts();
        return `${header}.${encode({ ...whole(), role: "platform" })}.${signature}`;
      },
    ],
    [
      "the signature of another token",
      async () => `${(await parts()).slice(0, 2).join(".")}.${(await issued({ sub: "eve" })).split(".")[2]}`,
    ],
    ["a truncated signature", async () => (await issued({})).slice(0, -10)],
    ["no signature", async () => `${(await parts()).slice(0, 2).join(".")}.`],
    ["two parts", async () => (await parts()).slice(0, 2).join(".")],
    ["an extra dot at the end", async () => `${await issued({})}.`],
    ["an extra part", async () => `${await issued({})}.${encode({})}`],
    ["an extra dot in front", async () => `.${await issued({})}`],
    ["a header that is no JSON", async () => `bm9wZQ.${(await parts()).slice(1).join(".")}`],
    ["claims that are a list", () => forged({ alg: "RS256", kid: "trusted" }, [whole()], trusted())],
    ["claims that are text", () => forged({ alg: "RS256", kid: "trusted" }, "ada", trusted())],
    ["text that is no token", () => "let-me-in"],
  ];
}
