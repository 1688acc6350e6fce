import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import { exportJWK, exportSPKI, importJWK, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audience } from "../../../local/api-gateway/issuer.ts";
import { type Gateway, openGateway } from "./gateway.ts";

let gateway: Gateway;
let stranger: { privateKey: KeyObject; jwk: JWK };
/** A second key that the authorizer trusts, at hand here to sign what the issuer never would. */
let trusted: KeyObject;
let elliptic: KeyObject;
beforeAll(async () => {
  const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [one, other, curve] = [rsa(), rsa(), generateKeyPairSync("ec", { namedCurve: "P-256" })];
  stranger = { privateKey: one.privateKey, jwk: await exportJWK(one.publicKey) };
  trusted = other.privateKey;
  elliptic = curve.privateKey;
  const keys = [
    { ...(await exportJWK(other.publicKey)), kid: "trusted" },
    { ...(await exportJWK(curve.publicKey)), kid: "curve" },
  ];
  gateway = await openGateway({}, keys);
});
afterAll(() => gateway.close());

const now = () => Math.floor(Date.now() / 1000);
const good = () => ({ sub: "ada", team: "payments", role: "developer" });
const kid = () => gateway.issuer.jwks.keys[0]?.kid ?? "";
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const whole = () => ({ iss: gateway.issuer.issuer, aud: audience, iat: now(), exp: now() + 600, ...good() });

const call = (authorization?: string) =>
  fetch(`${gateway.url}/v1/resources`, authorization === undefined ? {} : { headers: { authorization } });

/** A token with this header and these claims, signed by any key: a stranger's when none is given. */
function forged(header: object, claims: unknown, key: KeyObject = stranger.privateKey, hash = "sha256"): string {
  const content = `${encode(header)}.${encode(claims)}`;
  return `${content}.${signBytes(hash, Buffer.from(content), key).toString("base64url")}`;
}

function ellipticToken(): string {
  const content = `${encode({ alg: "ES256", kid: "curve" })}.${encode(whole())}`;
  const signature = signBytes("sha256", Buffer.from(content), { key: elliptic, dsaEncoding: "ieee-p1363" });
  return `${content}.${signature.toString("base64url")}`;
}

async function publicPem(): Promise<string> {
  const key = await importJWK(gateway.issuer.jwks.keys[0] as JWK, "RS256", { extractable: true });
  return exportSPKI(key as Parameters<typeof exportSPKI>[0]);
}

const issued = (claims: object, ttl?: number) => gateway.issuer.sign({ ...good(), ...claims }, ttl);
const parts = async () => (await issued({})).split(".") as [string, string, string];

const refused: [string, () => Promise<string> | string][] = [
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
  ["a list of issuers", () => issued({ iss: [gateway.issuer.issuer] })],
  ["another audience", () => issued({ aud: "cairns" })],
  ["an empty audience list", () => issued({ aud: [] })],
  ["another audience beside our client_id", () => issued({ aud: "other", client_id: audience })],
  ["another client_id", () => issued({ aud: undefined, client_id: "other" })],
  ["an expiry that is text", () => issued({ exp: String(now() + 600) })],
  ["a not-before that is text", () => issued({ nbf: "0" })],
  ["an issue time that is text", () => issued({ iat: "0" })],
  ["another key under our kid", () => forged({ alg: "RS256", kid: kid() }, whole())],
  ["another key under its own kid", () => forged({ alg: "RS256", kid: "stranger" }, whole())],
  ["a key that the token brings along", () => forged({ alg: "RS256", kid: kid(), jwk: stranger.jwk }, whole())],
  [
    "a key that the token points at",
    () => forged({ alg: "RS256", kid: kid(), jku: "https://evil.example/jwks.json" }, whole()),
  ],
  ["an x5c chain that the token brings along", () => forged({ alg: "RS256", kid: kid(), x5c: ["AAAA"] }, whole())],
  ["RS512 by a trusted key", () => forged({ alg: "RS512", kid: "trusted" }, whole(), trusted, "sha512")],
  ["an elliptic key, though trusted", () => ellipticToken()],
  [
    "a critical extension nobody knows",
    () => forged({ alg: "RS256", kid: "trusted", crit: ["x"], x: 1 }, whole(), trusted),
  ],
  ["a trusted key that the token does not name", () => forged({ alg: "RS256" }, whole(), trusted)],
  ["a trusted key under another's kid", () => forged({ alg: "RS256", kid: kid() }, whole(), trusted)],
  ["a kid that is a number", () => forged({ alg: "RS256", kid: 1 }, whole(), trusted)],
  ["alg none without signature", () => `${encode({ alg: "none", kid: kid() })}.${encode(whole())}.`],
  ["alg None in other letters", () => `${encode({ alg: "nOnE", kid: kid() })}.${encode(whole())}.`],
  ["no alg", async () => `${encode({ kid: kid() })}.${encode(whole())}.${(await parts())[2]}`],
  [
    "HS256 with the public key as its secret",
    async () => {
      const content = `${encode({ alg: "HS256", kid: kid() })}.${encode(whole())}`;
      return `${content}.${createHmac("sha256", await publicPem())
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
  ["claims that are a list", () => forged({ alg: "RS256", kid: "trusted" }, [whole()], trusted)],
  ["claims that are text", () => forged({ alg: "RS256", kid: "trusted" }, "ada", trusted)],
  ["text that is no token", () => "let-me-in"],
];

describe("the authorizer", () => {
  it("lets a token of the issuer through, and hands its claims on", async () => {
    expect((await call(`Bearer ${await issued({})}`)).status).toBe(200);
    expect((await call(`bearer ${await issued({})}`)).status).toBe(200);
    const claims = gateway.events.at(-1)?.requestContext.authorizer?.jwt.claims;
    expect(claims).toMatchObject({
      sub: "ada",
      team: "payments",
      role: "developer",
      aud: "cairn",
      iss: "https://cairn.local/",
    });
  });

  it("takes one audience of several, and client_id where there is no audience", async () => {
    expect((await call(`Bearer ${await issued({ aud: ["other", audience] })}`)).status).toBe(200);
    expect((await call(`Bearer ${await issued({ aud: undefined, client_id: audience })}`)).status).toBe(200);
  });

  it("hands every claim on as text, as the service prints it", async () => {
    const token = await issued({
      groups: ["a", "b"],
      level: 3,
      admin: false,
      nested: { z: 1, a: [true] },
      nothing: null,
    });
    expect((await call(`Bearer ${token}`)).status).toBe(200);
    const jwt = gateway.events.at(-1)?.requestContext.authorizer?.jwt;
    expect(jwt?.scopes).toBeNull();
    expect(jwt?.claims).toMatchObject({
      groups: "[a b]",
      level: "3",
      admin: "false",
      nested: "map[a:[true] z:1]",
      nothing: "<nil>",
      exp: expect.stringMatching(/^\d{10}$/),
    });
  });

  it.each(refused)("refuses %s", async (_reason, make) => {
    const before = gateway.events.length;
    const answer = await call(`Bearer ${await make()}`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await answer.text()).toBe('{"message":"Unauthorized"}');
    expect(gateway.events.length).toBe(before);
  });

  it.each([
    ["no header", () => undefined],
    ["an empty header", () => ""],
    ["Bearer alone", () => "Bearer"],
    ["Basic", () => "Basic YWRhOnNlY3JldA=="],
    ["the token without Bearer", async () => await issued({})],
    ["two tokens", async () => `Bearer ${await issued({})} ${await issued({})}`],
  ])("refuses %s", async (_reason, make) => {
    const answer = await call(await make());
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({ message: "Unauthorized" });
  });

  it("refuses a token of another home's issuer, whose name is the same", async () => {
    const other = await openGateway();
    expect((await call(`Bearer ${await other.issuer.sign(good())}`)).status).toBe(401);
    await other.close();
  });

  it("takes what a trusted key signs in order, which shows that the refusals above have the reason they name", async () => {
    const answer = await call(`Bearer ${forged({ alg: "RS256", kid: "trusted" }, whole(), trusted)}`);
    expect(answer.status).toBe(200);
  });

  it("refuses a token that does not name its key, even where there is only one", async () => {
    const { issuer } = gateway.issuer;
    const jwks = { keys: [{ ...stranger.jwk, kid: "only" }] };
    const single = await openGateway({ authorizer: { issuer, audience, jwks } });
    const statusOf = async (header: object) =>
      (await fetch(single.url, { headers: { authorization: `Bearer ${forged(header, whole())}` } })).status;
    expect(await statusOf({ alg: "RS256", kid: "only" })).toBe(200);
    expect(await statusOf({ alg: "RS256" })).toBe(401);
    await single.close();
  });
});
