import { describe, expect, it } from "vitest";
import { eventHandler } from "../../api/handle-event.ts";
import { eventOf, harness, ids, ordersIntent, sendIntent } from "./harness.ts";

const canary = "hunter2-canary";
const failing = (error: unknown) =>
  harness({
    accept: () => {
      throw error;
    },
  });

class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

describe("what is thrown below the routes", () => {
  it("is a 500 that shows nothing of what is inside, in the answer and in the log", async () => {
    const { send, log } = failing(new TypeError(`cannot read ${canary}`));
    const answer = await send(sendIntent(ordersIntent));
    expect(answer.status).toBe(500);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ type: "/problems/internal", requestId: "request-1" });
    expect(log).toMatchObject([
      { level: "error", error: "TypeError", route: "POST /v1/intents", request: "request-1" },
    ]);
    expect(log[0]?.at.length).toBeGreaterThan(0);
    expect(answer.text + JSON.stringify(log)).not.toContain(canary);
  });

  it("is a 503 with Retry-After when the store is not there", async () => {
    const { send, log } = failing(new StoreUnavailable(canary));
    const answer = await send(sendIntent(ordersIntent));
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
    expect(log).toMatchObject([{ level: "warn", error: "StoreUnavailable" }]);
    expect(answer.text + JSON.stringify(log)).not.toContain(canary);
  });
});

describe("every answer", () => {
  it.each([
    { reason: "a read", sent: { path: "/v1/teams" } },
    { reason: "a write", sent: sendIntent(ordersIntent) },
    { reason: "a refusal", sent: sendIntent({}) },
    { reason: "an unknown path", sent: { path: "/nowhere" } },
    { reason: "no token", sent: { path: "/v1/teams", claims: null } },
    { reason: "a reserved query parameter", sent: { path: "/healthz", query: "__proto__=1" } },
    { reason: "a header that is none", sent: { path: "/healthz", headers: { "bad header": "1" } } },
  ])("is hardened: $reason", async ({ sent }) => {
    const { headers } = await harness().send(sent);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["strict-transport-security"]).toMatch(/^max-age=\d+/);
    expect(headers["cache-control"]).toMatch(/^(no-store|private, no-cache)$/);
  });
});

describe("the edges of HTTP", () => {
  it("answers /healthz without a token and without the store", async () => {
    const { send, store } = harness();
    const answer = await send({ path: "/healthz", claims: null });
    expect(answer).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(store.calls).toEqual([]);
  });

  it("says which methods a path takes", async () => {
    const answer = await harness().send({ method: "PATCH", path: `/v1/teams/payments` });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("GET, HEAD, PUT");
    expect(answer.body.type).toBe("/problems/method-not-allowed");
  });

  it.each(["TRACE", "CONNECT"])("says so of %s too, of which no request can be made", async (method) => {
    const answer = await harness().send({ method, path: `/v1/teams/payments` });
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET, HEAD, PUT"]);
    expect((await harness().send({ method, path: "/nowhere" })).status).toBe(404);
  });

  it("answers HEAD like GET, without the body", async () => {
    const answer = await harness().send({ method: "HEAD", path: `/v1/resources/${ids.resource}` });
    expect(answer.status).toBe(200);
    expect(answer.headers.etag).toMatch(/./);
    expect(answer.text).toBe("");
  });

  it("reads a GET that came with a body", async () => {
    expect((await harness().send({ path: "/v1/teams", body: { a: 1 } })).status).toBe(200);
  });

  it("refuses a body that is not UTF-8", async () => {
    const { api } = harness();
    const event = eventOf(sendIntent(ordersIntent));
    const body = Buffer.from([0x7b, 0xff, 0x7d]).toString("base64");
    const answer = await eventHandler(api)({ ...event, body, isBase64Encoded: true });
    expect(answer.statusCode).toBe(400);
  });
});
