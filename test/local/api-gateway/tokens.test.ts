import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audience } from "../../../local/api-gateway/issuer.ts";
import { badTokens, signers as makeSigners, type Signers, tokensOf } from "../../support/bad-tokens.ts";
import { type Gateway, openGateway } from "./gateway.ts";

let gateway: Gateway;
let signers: Signers;
beforeAll(async () => {
  signers = await makeSigners();
  gateway = await openGateway({}, signers.trustedKeys);
});
afterAll(() => gateway.close());

const made = () => tokensOf(gateway.issuer, signers);
const issued = (claims: object) => made().issued(claims);
const good = { sub: "ada", team: "payments", role: "developer" };

const call = (authorization?: string) =>
  fetch(`${gateway.url}/v1/resources`, authorization === undefined ? {} : { headers: { authorization } });

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

  it.each(badTokens(made))("refuses %s", async (_reason, make) => {
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
    expect((await call(`Bearer ${await other.issuer.sign(good)}`)).status).toBe(401);
    await other.close();
  });

  it("takes what a trusted key signs in order, which shows that the refusals above have the reason they name", async () => {
    const { forged, whole } = made();
    const answer = await call(`Bearer ${forged({ alg: "RS256", kid: "trusted" }, whole(), signers.trusted)}`);
    expect(answer.status).toBe(200);
  });

  it("refuses a token that does not name its key, even where there is only one", async () => {
    const { issuer } = gateway.issuer;
    const { forged, whole } = made();
    const jwks = { keys: [{ ...signers.stranger.jwk, kid: "only" }] };
    const single = await openGateway({ authorizer: { issuer, audience, jwks } });
    const statusOf = async (header: object) =>
      (await fetch(single.url, { headers: { authorization: `Bearer ${forged(header, whole())}` } })).status;
    expect(await statusOf({ alg: "RS256", kid: "only" })).toBe(200);
    expect(await statusOf({ alg: "RS256" })).toBe(401);
    await single.close();
  });
});
