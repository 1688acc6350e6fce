import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createLambda } from "../../../local/lambda/lambda.ts";
import { accountId, functions, region } from "../lambda/functions.ts";
import { type Gateway, openGateway, raw } from "./gateway.ts";

let gateway: Gateway;
let bearer: { authorization: string };
beforeAll(async () => {
  gateway = await openGateway({ timeoutSeconds: 0.4 });
  bearer = {
    authorization: `Bearer ${await gateway.issuer.sign({ sub: "ada", team: "payments", role: "developer" })}`,
  };
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.respond = () => ({ statusCode: 200, body: "ok" });
});
const call = (path: string, init: RequestInit = {}) =>
  fetch(gateway.url + path, { ...init, headers: { ...bearer, ...(init.headers as object) } });
const lastEvent = () => gateway.events.at(-1);

describe("the event", () => {
  it("is API Gateway's, payload format 2.0", async () => {
    const { host } = new URL(gateway.url);
    await call("/v1/intents?dryRun=true&tag=a&tag=b%20c", {
      method: "POST",
      body: '{"a":"ü"}',
      headers: { "content-type": "application/json", "User-Agent": "test/1", "Idempotency-Key": "k" },
    });
    const event = lastEvent();
    expect(event).toMatchObject({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/v1/intents",
      rawQueryString: "dryRun=true&tag=a&tag=b%20c",
      queryStringParameters: { dryRun: "true", tag: "a,b c" },
      headers: {
        host,
        "user-agent": "test/1",
        "idempotency-key": "k",
        "content-length": "10",
        "x-forwarded-for": "127.0.0.1",
        ...bearer,
      },
      body: '{"a":"ü"}',
      isBase64Encoded: false,
      requestContext: {
        accountId: "000000000000",
        authorizer: { jwt: { claims: { sub: "ada", team: "payments", role: "developer" }, scopes: null } },
        domainName: host,
        http: { method: "POST", path: "/v1/intents", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test/1" },
        routeKey: "$default",
        stage: "$default",
      },
    });
    expect(event?.headers["x-amzn-trace-id"]).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/);
    expect(event?.requestContext.time).toMatch(/^\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} \+0000$/);
    expect(Math.abs(Date.now() - (event?.requestContext.timeEpoch ?? 0))).toBeLessThan(10_000);
    expect(event?.cookies).toBeUndefined();
  });

  it("has no body, no cookies and no parameters where none were sent, and the request's id in the answer", async () => {
    const answer = await call("/v1/resources");
    const event = lastEvent();
    expect(event).not.toHaveProperty("body");
    expect(event).not.toHaveProperty("queryStringParameters");
    expect(event?.rawQueryString).toBe("");
    expect(answer.headers.get("apigw-requestid")).toBe(event?.requestContext.requestId);
  });

  it("joins a repeated header with commas and takes cookies apart", async () => {
    const headers: [string, string][] = [
      ["X-One", "a"],
      ["x-one", "b"],
      ["Cookie", "c=1; d=2"],
      ["Authorization", bearer.authorization],
    ];
    await raw(gateway.url, "/v1/resources", headers);
    expect(lastEvent()?.headers["x-one"]).toBe("a,b");
    expect(lastEvent()?.cookies).toEqual(["c=1", "d=2"]);
    expect(lastEvent()?.headers).not.toHaveProperty("cookie");
    expect(lastEvent()?.headers).not.toHaveProperty("connection");
  });

  it.each([
    ["application/json; charset=utf-8", false],
    ["text/csv", false],
    ["application/merge-patch+json", false],
    ["application/octet-stream", true],
    ["application/x-www-form-urlencoded", true],
  ])("carries a body of %s as base64: %s", async (type, isBase64Encoded) => {
    await call("/v1/x", { method: "POST", body: "héllo", headers: { "content-type": type } });
    expect(lastEvent()).toMatchObject({
      isBase64Encoded,
      body: isBase64Encoded ? Buffer.from("héllo").toString("base64") : "héllo",
    });
  });

  it("carries a body that is not UTF-8 to the byte, whatever it says it is", async () => {
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    await call("/v1/x", { method: "POST", body, headers: { "content-type": "application/json" } });
    expect(lastEvent()).toMatchObject({ isBase64Encoded: true, body: body.toString("base64") });
  });

  it("has a decoded path, cut at a decoded question mark, as the service's", async () => {
    await raw(gateway.url, "/v1/a%20b%2Fc%3Fx=1?q=%20", Object.entries(bearer));
    expect(lastEvent()).toMatchObject({
      rawPath: "/v1/a b/c",
      rawQueryString: "q=%20",
      queryStringParameters: { q: " " },
    });
  });
});

describe("the response", () => {
  it("has the function's status, headers, cookies and body", async () => {
    gateway.respond = () => ({
      statusCode: 202,
      headers: { "Content-Type": "application/problem+json", Location: "/v1/intents/1", "X-Count": 3 },
      cookies: ["a=1; HttpOnly", "b=2"],
      body: '{"ü":1}',
    });
    const answer = await call("/v1/intents");
    expect(answer.status).toBe(202);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("location")).toBe("/v1/intents/1");
    expect(answer.headers.get("x-count")).toBe("3");
    expect(answer.headers.getSetCookie()).toEqual(["a=1; HttpOnly", "b=2"]);
    expect(await answer.text()).toBe('{"ü":1}');
  });

  it("decodes base64", async () => {
    gateway.respond = () => ({
      statusCode: 200,
      isBase64Encoded: true,
      body: Buffer.from([0, 255, 1]).toString("base64"),
    });
    expect(new Uint8Array(await (await call("/x")).arrayBuffer())).toEqual(new Uint8Array([0, 255, 1]));
  });

  it("is inferred from a result without a status", async () => {
    gateway.respond = () => ({ hello: "there" });
    const answer = await call("/x");
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({ hello: "there" });
  });

  it("has no body with 204, with 304 and for HEAD", async () => {
    for (const statusCode of [204, 304]) {
      gateway.respond = () => ({ statusCode, headers: { etag: '"1"' }, body: "" });
      const answer = await call("/x");
      expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([statusCode, '"1"', ""]);
    }
    gateway.respond = () => ({ statusCode: 200, body: "four" });
    const head = await call("/x", { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "4", ""]);
  });

  it.each([
    ["no result", undefined],
    ["a status that is no number", { statusCode: "fine" }],
    ["a status outside HTTP", { statusCode: 99 }],
    ["a body that is no text", { statusCode: 200, body: { a: 1 } }],
    ["headers that are a list", { statusCode: 200, headers: ["a"] }],
    ["a header that is an object", { statusCode: 200, headers: { a: {} } }],
    ["a header that ends the headers", { statusCode: 200, headers: { a: "b\r\nset-cookie: c=1" } }],
    ["a header whose name is none", { statusCode: 200, headers: { "a b": "c" } }],
    ["cookies that are text", { statusCode: 200, cookies: "a=1" }],
    ["a body above 10 MB", { statusCode: 200, body: "x".repeat(10 * 1024 * 1024 + 1) }],
  ])("is the gateway's 500 for %s", async (_reason, result) => {
    gateway.respond = () => result;
    const answer = await call("/x");
    expect(answer.status).toBe(500);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(await answer.text()).toBe('{"message":"Internal Server Error"}');
  });

  it("is the gateway's 500 when the function throws, and says nothing of why", async () => {
    gateway.respond = () => {
      throw new Error("secret details");
    };
    const answer = await call("/x");
    expect([answer.status, await answer.text()]).toEqual([500, '{"message":"Internal Server Error"}']);
  });

  it("is 503 when the function takes too long", async () => {
    gateway.respond = () => new Promise((resolve) => setTimeout(resolve, 800));
    const answer = await call("/x");
    expect([answer.status, await answer.text()]).toEqual([503, '{"message":"Service Unavailable"}']);
  });
});

describe("the gateway refuses", () => {
  it("a body above 10 MB, announced or not, and takes one of exactly 10 MB", async () => {
    const limit = 10 * 1024 * 1024;
    const seen = gateway.events.length;
    const answer = await call("/x", { method: "POST", body: Buffer.alloc(limit + 1) });
    expect([answer.status, await answer.json()]).toEqual([413, { message: "Request Entity Too Large" }]);
    const stream = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < 11; sent += 1) controller.enqueue(new Uint8Array(1024 * 1024));
        controller.close();
      },
    });
    const streamed = await call("/x", { method: "POST", body: stream, duplex: "half" } as RequestInit);
    expect(streamed.status).toBe(413);
    expect(gateway.events.length).toBe(seen);
    expect((await call("/x", { method: "POST", body: Buffer.alloc(limit) })).status).toBe(200);
  });

  it("headers above 10 KB", async () => {
    expect((await raw(gateway.url, "/x", [["x-long", "x".repeat(10_300)]])).status).toBe(431);
    expect((await call("/x", { headers: { "x-long": "x".repeat(8000) } })).status).toBe(200);
  });

  it.each(["/%", "/%zz", "/%ff", "http://elsewhere/x", "*"])("the target %s", async (target) => {
    const answer = await raw(gateway.url, target, Object.entries(bearer));
    expect([answer.status, answer.body]).toEqual([400, '{"message":"Bad Request"}']);
  });

  it("what comes faster than its throttle, and lets more through later", async () => {
    let clock = 0;
    const throttled = await openGateway({ throttle: { ratePerSecond: 1, burst: 2 }, now: () => clock });
    const get = async () => (await fetch(`${throttled.url}/healthz`)).status;
    expect([await get(), await get(), await get()]).toEqual([200, 200, 429]);
    expect(await (await fetch(`${throttled.url}/healthz`)).json()).toEqual({ message: "Too Many Requests" });
    clock = 1000;
    expect([await get(), await get()]).toEqual([200, 429]);
    await throttled.close();
  });

  it("a port in use, in words that say what to do", async () => {
    const port = Number(new URL(gateway.url).port);
    const second = openGateway({ port });
    await expect(second).rejects.toMatchObject({ name: "PortError" });
    await expect(second).rejects.toThrow(new RegExp(`port ${port} on 127.0.0.1 is in use.*PORT=${port + 1}`));
  });
});

describe("an open route", () => {
  it("needs no token, and its event has no authorizer and its own route key", async () => {
    const answer = await fetch(`${gateway.url}/healthz?a=1`);
    expect(answer.status).toBe(200);
    expect(lastEvent()).toMatchObject({
      routeKey: "GET /healthz",
      rawPath: "/healthz",
      requestContext: { routeKey: "GET /healthz" },
    });
    expect(lastEvent()?.requestContext).not.toHaveProperty("authorizer");
  });

  it.each([
    ["POST", "/healthz"],
    ["HEAD", "/healthz"],
    ["GET", "/healthz/"],
    ["GET", "//healthz"],
    ["GET", "/HEALTHZ"],
    ["GET", "/healthz%2f..%2fv1"],
    ["GET", "/%68ealthz"],
    ["GET", "/v1/../healthz"],
  ])("is that one only: %s %s needs a token", async (method, path) => {
    expect((await raw(gateway.url, path, [], method)).status).toBe(401);
  });
});

it("puts a real function behind HTTP, and an event above Lambda's 6 MB is 413", async () => {
  const lambda = createLambda({ functions, region, accountId });
  const real = await openGateway({
    invoke: (event) => lambda.invoke("behaves", { do: "echo", value: { statusCode: 200, body: event.rawPath } }),
  });
  expect(await (await fetch(`${real.url}/healthz`)).text()).toBe("/healthz");
  await real.close();
  const through = await openGateway({ invoke: (event) => lambda.invoke("behaves", event) });
  const token = await through.issuer.sign({ sub: "ada" });
  const headers = { authorization: `Bearer ${token}`, "content-type": "text/plain" };
  const answer = await fetch(through.url, { method: "POST", headers, body: "x".repeat(7 * 1024 * 1024) });
  expect(answer.status).toBe(413);
  await through.close();
  await lambda.close(0);
});
