import { request } from "node:http";
import { describe, expect, test } from "vitest";
import type { Stage } from "./stage.ts";

const servers = ["states", "lambda", "rdsData", "cloudControl", "secretsManager", "sts", "issuer"] as const;

/** What API Gateway hands on, made up: whoever may invoke the function is whoever they say. */
const asPlatform = {
  version: "2.0",
  rawPath: "/v1/teams/made-by-a-page",
  rawQueryString: "",
  headers: { "content-type": "application/json" },
  requestContext: {
    domainName: "localhost",
    http: { method: "PUT" },
    authorizer: { jwt: { claims: { sub: "page", role: "platform" } } },
  },
  body: "{}",
};

/** A web page that somebody opens on the machine where Cairn runs: it reaches every port of 127.0.0.1, and needs no credentials. */
export function pages(stage: () => Stage): void {
  describe("a web page in a browser on this machine", () => {
    test("cannot invoke a function with a form's POST, which asks no permission", async () => {
      const { endpoints, platform } = stage();
      const url = `${endpoints.lambda}/2015-03-31/functions/api/invocations`;
      const headers = { origin: "https://page.example", "content-type": "text/plain" };
      expect(await send(url, headers, JSON.stringify(asPlatform))).toBe(403);
      expect((await platform("GET", "/v1/teams/made-by-a-page")).status).toBe(404);
    });

    test.each(servers)(
      "is refused by %s whatever it sends, as is a name of its own for this address",
      async (server) => {
        const url = stage().endpoints[server];
        const target = {
          "x-amz-target": "secretsmanager.GetSecretValue",
          "content-type": "application/x-amz-json-1.1",
        };
        const { port } = new URL(url);
        for (const headers of [
          { origin: "https://page.example" },
          { origin: "null" },
          { host: `page.example:${port}` },
          { host: `localhost.page.example:${port}` },
          { host: `127.0.0.1.page.example:${port}` },
        ]) {
          const status = await send(url, { ...target, ...headers }, '{"SecretId":"cairn/store/owner"}');
          expect([status, headers]).toEqual([403, headers]);
        }
      },
    );

    test("is let in to the API, where it needs a token as everybody does", async () => {
      const { endpoints, payments } = stage();
      const url = `${endpoints.api}/v1/teams/payments`;
      const page = { origin: "https://portal.example", host: "cairn.example" };
      expect(await send(url, page, null)).toBe(401);
      expect(await send(url, { ...page, authorization: `Bearer ${payments.token}` }, null)).toBe(200);
    });
  });
}

/** The status of a request whose headers go out as they are written: `fetch` sets some of them itself. */
function send(url: string, headers: { [name: string]: string }, body: string | null): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === null ? "GET" : "POST", headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end(body ?? undefined);
  });
}
