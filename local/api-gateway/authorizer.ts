import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";

export type AuthorizerOptions = { issuer: string; audience: string | readonly string[]; jwks: JSONWebKeySet };

/** A token's claims as an integration sees them: every one a string. */
export type Claims = { [claim: string]: string };
export type Verdict = { ok: true; claims: Claims } | { ok: false; description: string };
export type Authorizer = (authorization: string | undefined) => Promise<Verdict>;

/**
 * An HTTP API's JWT authorizer: RS256 by a key of the issuer, found by `kid`; `iss`; `aud`, or `client_id` where there
 * is no `aud`; `exp`, `nbf` and `iat`, with no leeway. Stricter than the service in two points: the scheme `Bearer` and
 * the claim `iat` are required.
 */
export function createAuthorizer({ issuer, audience, jwks }: AuthorizerOptions): Authorizer {
  const keys = createLocalJWKSet(jwks);
  const audiences = [audience].flat();
  return async (authorization) => {
    const token = /^Bearer +([^ ]+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return { ok: false, description: "" };
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        algorithms: ["RS256"],
        issuer,
        requiredClaims: ["exp", "iat"],
        clockTolerance: 0,
      });
      if (typeof protectedHeader.kid !== "string") return { ok: false, description: "the token has no kid" };
      const wrong = fault(payload, audiences);
      if (wrong !== undefined) return { ok: false, description: wrong };
      return { ok: true, claims: asStrings(payload) };
    } catch (error) {
      return { ok: false, description: (error as Error).message };
    }
  };
}

function fault({ aud, iat = 0, client_id }: JWTPayload, audiences: readonly string[]): string | undefined {
  const named = aud === undefined ? [client_id] : [aud].flat();
  if (!named.some((name) => typeof name === "string" && audiences.includes(name)))
    return "the token is for another audience";
  return iat > Date.now() / 1000 ? "the token was issued in the future" : undefined;
}

function asStrings(payload: JWTPayload): Claims {
  return Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, asString(value)]));
}

/** The service prints what is no string as its own language does: `[a b]`, `map[k:v]`. */
function asString(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(asString).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `map[${members.map(([name, member]) => `${name}:${asString(member)}`).join(" ")}]`;
}
