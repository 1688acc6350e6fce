import { describe, expect, it } from "vitest";
import { harness, idOf, ids, seeded, tokens } from "./harness.ts";

const platform = { claims: tokens.platform };

describe("ETag", () => {
  it.each([
    "/v1/teams",
    "/v1/teams/payments",
    "/v1/services",
    "/v1/services/orders",
    "/v1/environments",
    "/v1/environments/staging",
    "/v1/targets",
    "/v1/resources",
    `/v1/resources/${ids.resource}`,
    `/v1/resources/${ids.resource}/events`,
    `/v1/intents/${ids.intent}`,
    `/v1/decisions/${ids.decision}`,
    "/v1/drift/reports",
    `/v1/drift/reports/${ids.report}`,
    "/v1/drift/findings",
    "/v1/resource-types",
    "/v1/resource-types/bucket",
  ])("comes with GET %s, and sending it back is 304", async (path) => {
    const { send } = harness();
    const first = await send({ path });
    expect(first.status).toBe(200);
    expect(first.headers.etag).toMatch(/^"[\w-]{22}"$/);
    expect(first.headers["cache-control"]).toBe("private, no-cache");
    const etag = String(first.headers.etag);
    for (const sent of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await send({ path, headers: { "if-none-match": sent } });
      expect(again.status, sent).toBe(304);
      expect(again.text).toBe("");
      expect(again.headers.etag).toBe(etag);
    }
    expect((await send({ path, headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  it("changes with the body", async () => {
    const { send, state } = harness();
    const path = `/v1/resources/${ids.resource}`;
    const { etag } = (await send({ path })).headers;
    state.resources = state.resources.map((resource) => ({ ...resource, status: "FAILED" }));
    const changed = await send({ path, headers: { "if-none-match": String(etag) } });
    expect(changed.status).toBe(200);
    expect(changed.headers.etag).not.toBe(etag);
  });
});

describe("PUT", () => {
  it.each([
    { path: "/v1/teams/fresh", body: { name: "Fresh" }, read: "/v1/teams/fresh" },
    { path: "/v1/environments/qa", body: { tier: "staging" }, read: "/v1/environments/qa" },
    {
      path: "/v1/services/ledger",
      query: "team=payments",
      body: { description: "books" },
      read: "/v1/services/ledger",
    },
  ])("$path answers 201 with a Location, then 200; its tag is that of a read", async ({ path, body, query = "" }) => {
    const { send } = harness();
    const made = await send({ method: "PUT", path, query, body, ...platform });
    expect(made.status, made.text).toBe(201);
    expect(made.headers.location).toBe(query === "" ? path : `${path}?${query}`);
    const read = await send({ path, query, ...platform });
    expect(read.body).toEqual(made.body);
    expect(read.headers.etag).toBe(made.headers.etag);
    expect((await send({ method: "PUT", path, query, body, ...platform })).status).toBe(200);
  });

  it("takes no body as an empty one, with or without a content type", async () => {
    const { send } = harness();
    expect((await send({ method: "PUT", path: "/v1/teams/one", ...platform })).status).toBe(201);
    const headers = { "content-type": "application/json" };
    expect((await send({ method: "PUT", path: "/v1/teams/two", headers, ...platform })).status).toBe(201);
  });

  it("answers 412 to an If-Match that is not the current tag, and changes nothing", async () => {
    const { send, state } = harness();
    const path = "/v1/teams/payments";
    const { etag } = (await send({ path })).headers;
    const put = (name: string, headers: { [name: string]: string }) =>
      send({ method: "PUT", path, body: { name }, headers, ...platform });

    expect((await put("First", { "if-match": String(etag) })).status).toBe(200);
    const late = await put("Late", { "if-match": String(etag) });
    expect(late.status).toBe(412);
    expect(late.body.type).toBe("/problems/precondition-failed");
    expect((await put("Weak", { "if-match": `W/${etag}` })).status).toBe(412);
    expect((await put("Made", { "if-none-match": "*" })).status).toBe(412);
    expect(state.teams.find(({ team }) => team === "payments")?.name).toBe("First");
    expect((await put("Any", { "if-match": "*" })).status).toBe(200);
  });

  it("answers 412 to If-Match: * where nothing is, and lets If-None-Match: * make it", async () => {
    const { send } = harness();
    const path = "/v1/teams/fresh";
    expect((await send({ method: "PUT", path, headers: { "if-match": "*" }, ...platform })).status).toBe(412);
    expect((await send({ method: "PUT", path, headers: { "if-none-match": "*" }, ...platform })).status).toBe(201);
  });

  it("answers 409 to another tier while resources live in the environment", async () => {
    const answer = await harness().send({
      method: "PUT",
      path: "/v1/environments/staging",
      body: { tier: "production" },
      ...platform,
    });
    expect(answer.status).toBe(409);
    expect(answer.body.errors).toMatchObject([{ pointer: "/tier" }]);
  });
});

describe("pages", () => {
  const crowded = () => {
    const state = seeded();
    const [first] = state.resources;
    if (first === undefined) throw new Error("the seed has a resource");
    state.resources = Array.from({ length: 7 }, (_, index) => ({ ...first, id: idOf(index + 1), name: `r${index}` }));
    return state;
  };

  it("hold each item once, in order, to the end", async () => {
    const { send } = harness({ state: crowded() });
    const seen: unknown[] = [];
    let query = "limit=3";
    for (let page = 0; page < 3; page++) {
      const { body } = await send({ path: "/v1/resources", query });
      seen.push(...(body.items as { id: string }[]).map(({ id }) => id));
      expect(body.nextCursor === null).toBe(page === 2);
      query = `limit=3&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual(Array.from({ length: 7 }, (_, index) => idOf(index + 1)));
  });

  it.each([
    { path: "/v1/teams", limit: 1 },
    { path: "/v1/environments", limit: 2 },
    { path: "/v1/resource-types", limit: 2 },
  ])("of $path go on with their own cursor", async ({ path, limit }) => {
    const { send } = harness();
    const first = await send({ path, query: `limit=${limit}`, ...platform });
    const next = await send({ path, query: `limit=${limit}&cursor=${first.body.nextCursor}`, ...platform });
    expect(next.status).toBe(200);
    expect(next.body.items).not.toEqual(first.body.items);
    expect(next.body.nextCursor).toBeNull();
  });

  const encoded = (text: string) => Buffer.from(text).toString("base64url");
  it.each([
    { reason: "of another list", cursor: encoded(`events|${ids.resource}`) },
    { reason: "of something that is no id", cursor: encoded("resources|'; drop table resources") },
    { reason: "of nothing", cursor: encoded("resources|") },
    { reason: "of bytes", cursor: Buffer.from([0xff, 0, 1]).toString("base64url") },
    { reason: "that is empty", cursor: "" },
    { reason: "that is very long", cursor: "a".repeat(513) },
  ])("refuse a cursor $reason before the store sees it", async ({ cursor }) => {
    const { send, store } = harness();
    const answer = await send({ path: "/v1/resources", query: `cursor=${cursor}` });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ pointer: "cursor" }]);
    expect(store.calls).toEqual([]);
  });
});

describe("?team=", () => {
  it("defaults to the token's team", async () => {
    const { send } = harness();
    const named = await send({ path: "/v1/services/orders", query: "team=payments" });
    expect((await send({ path: "/v1/services/orders" })).body).toEqual(named.body);
    expect((await send({ path: "/v1/services/orders", claims: tokens.stranger })).status).toBe(404);
  });

  it("is named by the platform role, even with a team in its token", async () => {
    const claims = { ...tokens.platform, team: "payments" };
    for (const path of ["/v1/services", "/v1/services/orders"]) {
      expect((await harness().send({ path, claims })).status).toBe(400);
      expect((await harness().send({ path, query: "team=payments", claims })).status).toBe(200);
    }
  });
});

describe("resources across teams", () => {
  const shared = () => {
    const state = seeded();
    const [first] = state.resources;
    if (first === undefined) throw new Error("the seed has a resource");
    state.resources.push({ ...first, id: idOf(13), team: "search", status: "FAILED" });
    return state;
  };
  const listed = async (query: string, claims: (typeof tokens)[keyof typeof tokens]) => {
    const { body } = await harness({ state: shared() }).send({ path: "/v1/resources", query, claims });
    return (body.items as { id: string }[]).map(({ id }) => id);
  };

  it("are listed for the platform role, also those in one status, and for nobody else", async () => {
    expect(await listed("", tokens.platform)).toEqual([ids.resource, ids.failed, idOf(13)]);
    expect(await listed("status=FAILED", tokens.platform)).toEqual([ids.failed, idOf(13)]);
    expect(await listed("status=FAILED&team=search", tokens.platform)).toEqual([idOf(13)]);
    expect(await listed("status=FAILED", tokens.developer)).toEqual([ids.failed]);
    expect(await listed("status=FAILED", tokens.viewer)).toEqual([ids.failed]);
  });

  it.each(["service=orders", "environment=staging", "type=bucket", "status=FAILED&type=bucket"])(
    "are not narrowed by %s, for which no index leads over all teams",
    async (query) => {
      const { send, store } = harness();
      const answer = await send({ path: "/v1/resources", query, ...platform });
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toMatchObject([{ pointer: "team" }]);
      expect(store.calls).toEqual([]);
      expect((await send({ path: "/v1/resources", query: `${query}&team=payments`, ...platform })).status).toBe(200);
    },
  );
});

describe("a target", () => {
  const waysIn = {
    roleArn: "arn:aws:iam::111111111111:role/cairn-target",
    lookRoleArn: "arn:aws:iam::111111111111:role/cairn-target-look",
    externalId: "not-for-every-reader",
    adminSecretArn: "arn:aws:secretsmanager:eu-central-1:111111111111:secret:admin",
  };
  const shownTo = async (claims: (typeof tokens)[keyof typeof tokens]) => {
    const state = seeded();
    state.targets = state.targets.map((target) => ({ ...target, config: { ...target.config, ...waysIn } }));
    const { body } = await harness({ state }).send({ path: "/v1/targets", claims });
    return (body.items as { config: unknown }[]).map(({ config }) => config);
  };

  it.each([tokens.viewer, tokens.developer])("shows %o where it is, and not how to get in", async (claims) => {
    expect(await shownTo(claims)).toEqual([{ region: "eu-central-1" }]);
  });

  it("shows the platform team all of it", async () => {
    expect(await shownTo(tokens.platform)).toEqual([{ region: "eu-central-1", ...waysIn }]);
  });
});
