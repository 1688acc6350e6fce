import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../core/json.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { targets } from "../golden-paths/inputs.ts";
import { at } from "../support/fake-api-store.ts";
import { harness, ids, ordersIntent, type Sent, seeded, sendIntent, targetOf, tokens } from "./harness.ts";

const withResources = (resources: Json): JsonObject => ({ ...ordersIntent, resources });
const withDb = (request: JsonObject) => withResources({ db: request });
const nested = (depth: number): Json => (depth === 0 ? {} : { a: nested(depth - 1) });
const raw = (resources: string) =>
  `{"action":"apply","team":"payments","service":"orders","environment":"staging","resources":${resources}}`;
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`r${index}`, { type: "bucket" }]));

const breakerPut = (place: string, body: JsonObject): Sent => ({
  method: "PUT",
  path: `/v1/targets/${place}`,
  body,
  claims: tokens.platform,
});

type Row = { reason: string; sent: Sent; status?: number; pointer?: string };

/**
 * Every row of "Bad input": a problem document whose pointer names the field, and nothing stored. One table, so that the
 * list can be read against the issue; that makes this file longer than others.
 */
const rows: Row[] = [
  { reason: "malformed JSON", sent: sendIntent('{"action": '), pointer: "" },
  { reason: "an empty body", sent: sendIntent(""), pointer: "" },
  { reason: "a body that is no object", sent: sendIntent([1]), pointer: "" },
  { reason: "a body that is null", sent: sendIntent("null"), pointer: "" },
  { reason: "an unknown field", sent: sendIntent({ ...ordersIntent, colour: "red" }), pointer: "/colour" },
  { reason: "a server-owned field", sent: sendIntent({ ...ordersIntent, status: "READY" }), pointer: "/status" },
  {
    reason: "a server-owned field of a resource",
    sent: sendIntent(withDb({ type: "postgres", outputs: {} })),
    pointer: "/resources/db/outputs",
  },
  { reason: "a type of the wrong type", sent: sendIntent(withDb({ type: 7 })), pointer: "/resources/db/type" },
  {
    reason: "parameters of the wrong type",
    sent: sendIntent(withDb({ type: "postgres", parameters: [] })),
    pointer: "/resources/db/parameters",
  },
  { reason: "resources of the wrong type", sent: sendIntent(withResources([])), pointer: "/resources" },
  { reason: "an unknown action", sent: sendIntent({ ...ordersIntent, action: "destroy" }), pointer: "/action" },
  {
    reason: "a missing field",
    sent: sendIntent({ ...ordersIntent, service: undefined } as unknown as JsonObject),
    pointer: "/service",
  },
  {
    reason: "an unknown team",
    sent: sendIntent({ ...ordersIntent, team: "nobody" }, { claims: tokens.platform }),
    pointer: "/team",
  },
  {
    reason: "an unknown environment",
    sent: sendIntent({ ...ordersIntent, environment: "moon" }),
    pointer: "/environment",
  },
  { reason: "an unknown type", sent: sendIntent(withDb({ type: "mainframe" })), pointer: "/resources/db/type" },
  {
    reason: "a type that every object has",
    sent: sendIntent(withDb({ type: "constructor" })),
    pointer: "/resources/db/type",
  },
  {
    reason: "an unknown version",
    sent: sendIntent(withDb({ type: "postgres", version: 99 })),
    pointer: "/resources/db/version",
  },
  {
    reason: "an unknown class",
    sent: sendIntent(withDb({ type: "postgres", class: "gigantic" })),
    pointer: "/resources/db/class",
  },
  {
    reason: "an unknown parameter",
    sent: sendIntent(withDb({ type: "bucket", parameters: { colour: "red" } })),
    pointer: "/resources/db/parameters/colour",
  },
  {
    reason: "a bad override",
    sent: sendIntent(withDb({ type: "bucket", overrides: { VersioningConfiguration: { Status: "Perhaps" } } })),
    pointer: "/resources/db/overrides/VersioningConfiguration/Status",
  },
  {
    reason: "an unknown output",
    sent: sendIntent(
      withResources({
        db: { type: "postgres" },
        p: { type: "parameter", parameters: { value: "${resources.db.outputs.nothing}" } },
      }),
    ),
    pointer: "/resources/p/parameters/value",
  },
  {
    reason: "a reference to a missing resource",
    sent: sendIntent(withDb({ type: "parameter", parameters: { value: "${resources.gone.outputs.url}" } })),
    pointer: "/resources/db/parameters/value",
  },
  {
    reason: "a cycle",
    sent: sendIntent(
      withResources({
        a: { type: "parameter", parameters: { value: "${resources.b.outputs.name}" } },
        b: { type: "parameter", parameters: { value: "${resources.a.outputs.name}" } },
      }),
    ),
    pointer: "/resources/a",
  },
  {
    reason: "a template that is no reference",
    sent: sendIntent(withDb({ type: "parameter", parameters: { value: "${target.accountId}" } })),
    pointer: "/resources/db/parameters/value",
  },
  {
    reason: "a template in a member's name",
    sent: sendIntent(withDb({ type: "bucket", overrides: { "${x}": 1 } })),
    pointer: "/resources/db/overrides/${x}",
  },
  {
    reason: "a name with a control character",
    sent: sendIntent(withResources({ "d\u0007b": { type: "bucket" } })),
    pointer: "/resources/d\u0007b",
  },
  {
    reason: "a name with an emoji",
    sent: sendIntent(withResources({ "db🚀": { type: "bucket" } })),
    pointer: "/resources/db🚀",
  },
  {
    reason: "a name with SQL",
    sent: sendIntent({ ...ordersIntent, service: "x'; drop table resources; --" }),
    pointer: "/service",
  },
  {
    reason: "a name with template syntax",
    sent: sendIntent({ ...ordersIntent, service: "${target.region}" }),
    pointer: "/service",
  },
  {
    reason: "a name with a slash",
    sent: sendIntent(withResources({ "a/b~c": { type: "bucket" } })),
    pointer: "/resources/a~1b~0c",
  },
  {
    reason: "__proto__ as a resource",
    sent: sendIntent(raw('{"__proto__":{"type":"bucket"}}')),
    pointer: "/resources/__proto__",
  },
  {
    reason: "__proto__ deep in parameters",
    sent: sendIntent(raw('{"db":{"type":"bucket","parameters":{"a":{"__proto__":1}}}}')),
    pointer: "/resources/db/parameters/a/__proto__",
  },
  {
    reason: "constructor as a resource",
    sent: sendIntent(raw('{"constructor":{"type":"bucket"}}')),
    pointer: "/resources/constructor",
  },
  {
    reason: "an escaped __proto__",
    sent: sendIntent(raw('{"__pr\\u006fto__":{"type":"bucket"}}')),
    pointer: "/resources/__proto__",
  },
  {
    reason: "a member given twice",
    sent: sendIntent(raw('{"db":{"type":"bucket"},"db":{"type":"postgres"}}')),
    pointer: "/resources/db",
  },
  {
    reason: "U+0000, which Postgres cannot store",
    sent: sendIntent(raw('{"db":{"type":"parameter","parameters":{"value":"a\\u0000"}}}')),
    pointer: "/resources/db/parameters/value",
  },
  {
    reason: "half a surrogate pair",
    sent: sendIntent(raw('{"db":{"type":"parameter","parameters":{"value":"\\ud83d"}}}')),
    pointer: "/resources/db/parameters/value",
  },
  {
    reason: "a number that becomes Infinity",
    sent: sendIntent(raw('{"db":{"type":"topic","parameters":{"partitions":1e999}}}')),
    pointer: "/resources/db/parameters/partitions",
  },
  {
    reason: "a number that loses digits",
    sent: sendIntent(raw('{"db":{"type":"topic","parameters":{"partitions":9007199254740993}}}')),
    pointer: "/resources/db/parameters/partitions",
  },
  {
    reason: "257 KiB",
    sent: sendIntent(withDb({ type: "bucket", parameters: { a: "x".repeat(257 * 1024) } })),
    status: 413,
  },
  {
    reason: "257 KiB in base64",
    sent: sendIntent(withDb({ type: "bucket", parameters: { a: "x".repeat(257 * 1024) } }), { base64: true }),
    status: 413,
  },
  {
    reason: "depth 33",
    sent: sendIntent(withDb({ type: "bucket", overrides: nested(29) })),
    pointer: `/resources/db/overrides${"/a".repeat(29)}`,
  },
  { reason: "100,000 brackets", sent: sendIntent("[".repeat(100_000) + "]".repeat(100_000)), pointer: "/0".repeat(32) },
  { reason: "101 resources", sent: sendIntent(withResources(many(101))), pointer: "/resources" },
  { reason: "no resources", sent: sendIntent(withResources({})), pointer: "/resources" },
  {
    reason: "no resources in a delete",
    sent: sendIntent({ ...withResources({}), action: "delete" }),
    pointer: "/resources",
  },
  {
    reason: "a delete that says more than a name",
    sent: sendIntent({ ...withDb({ type: "bucket" }), action: "delete" }),
    pointer: "/resources/db/type",
  },
  {
    reason: "a definition above 32 KiB",
    sent: sendIntent(withDb({ type: "parameter", parameters: { value: "x".repeat(33 * 1024) } })),
    pointer: "/resources/db",
  },
  {
    reason: "a body that is no JSON",
    sent: sendIntent("action=apply", {
      headers: { "idempotency-key": "k", "content-type": "application/x-www-form-urlencoded" },
    }),
    status: 415,
  },
  {
    reason: "a body without a type",
    sent: sendIntent(ordersIntent, { headers: { "idempotency-key": "k", "content-type": "" } }),
    status: 415,
  },
  {
    reason: "a body that says it is packed",
    sent: sendIntent(ordersIntent, {
      headers: { "idempotency-key": "k", "content-type": "application/json", "content-encoding": "gzip" },
    }),
    status: 415,
  },
  {
    reason: "another charset",
    sent: sendIntent(ordersIntent, {
      headers: { "idempotency-key": "k", "content-type": "application/json; charset=latin1" },
    }),
    status: 415,
  },
  { reason: "an unknown query parameter", sent: sendIntent(ordersIntent, { query: "dryrun=true" }), pointer: "dryrun" },
  {
    reason: "a query parameter of the wrong type",
    sent: sendIntent(ordersIntent, { query: "dryRun=yes" }),
    pointer: "dryRun",
  },
  {
    reason: "__proto__ as a query parameter",
    sent: sendIntent(ordersIntent, { query: "__proto__=1" }),
    pointer: "__proto__",
  },
  { reason: "no idempotency key", sent: sendIntent(ordersIntent, { headers: {} }), pointer: "Idempotency-Key" },
  {
    reason: "an empty idempotency key",
    sent: sendIntent(ordersIntent, { headers: { "idempotency-key": "" } }),
    pointer: "Idempotency-Key",
  },
  {
    reason: "an idempotency key of 256",
    sent: sendIntent(ordersIntent, { headers: { "idempotency-key": "k".repeat(256) } }),
    pointer: "Idempotency-Key",
  },
  {
    reason: "an idempotency key with a space",
    sent: sendIntent(ordersIntent, { headers: { "idempotency-key": "a b" } }),
    pointer: "Idempotency-Key",
  },
  {
    reason: "an idempotency key that is not ASCII",
    sent: sendIntent(ordersIntent, { headers: { "idempotency-key": "clé" } }),
    pointer: "Idempotency-Key",
  },
  {
    reason: "two idempotency keys, as the gateway joins them",
    sent: sendIntent(ordersIntent, { headers: { "idempotency-key": "one,two" } }),
    pointer: "Idempotency-Key",
  },
  { reason: "U+0000 for an id", sent: { path: "/v1/resources/\u0000" }, pointer: "id" },
  { reason: "an escaped dot segment for a team", sent: { path: "/v1/teams/%2e." }, pointer: "team" },
  {
    reason: "a question mark in a breaker's service",
    sent: breakerPut("staging/aws/breakers/a?b", {}),
    pointer: "service",
  },
  { reason: "a dot segment where no parameter is", sent: { path: "/v1/resources/../teams/payments" }, pointer: "path" },
  {
    reason: "a header that is none",
    sent: { path: "/v1/teams", headers: { "bad header": "1" } },
    pointer: "bad header",
  },
  {
    reason: "another team's intent",
    sent: sendIntent({ ...ordersIntent, team: "search" }),
    status: 404,
    pointer: "/team",
  },
  {
    reason: "a developer's intent for a team that nobody knows",
    sent: sendIntent({ ...ordersIntent, team: "nobody" }),
    status: 404,
    pointer: "/team",
  },
  {
    reason: "another team's list",
    sent: { path: "/v1/resources", query: "team=search" },
    status: 404,
    pointer: "team",
  },
  { reason: "a viewer's intent", sent: sendIntent(ordersIntent, { claims: tokens.viewer }), status: 403 },
  { reason: "no token", sent: sendIntent(ordersIntent, { claims: null }), status: 401 },
  { reason: "limit 0", sent: { path: "/v1/resources", query: "limit=0" }, pointer: "limit" },
  { reason: "limit 101", sent: { path: "/v1/resources", query: "limit=101" }, pointer: "limit" },
  { reason: "limit twice", sent: { path: "/v1/resources", query: "limit=1&limit=2" }, pointer: "limit" },
  { reason: "an unknown status", sent: { path: "/v1/resources", query: "status=GONE" }, pointer: "status" },
  { reason: "a filter with U+0000", sent: { path: "/v1/resources", query: "service=a%00b" }, pointer: "service" },
  { reason: "a made-up cursor", sent: { path: "/v1/resources", query: "cursor=!!" }, pointer: "cursor" },
  {
    reason: "the platform names no team",
    sent: { path: "/v1/services/orders", claims: tokens.platform },
    pointer: "team",
  },
  {
    reason: "a team's name with spaces",
    sent: { method: "PUT", path: "/v1/teams/My%20Team", body: {}, claims: tokens.platform },
    pointer: "team",
  },
  {
    reason: "an unknown field of a team",
    sent: { method: "PUT", path: "/v1/teams/new", body: { colour: 1 }, claims: tokens.platform },
    pointer: "/colour",
  },
  {
    reason: "a contact with a line break",
    sent: { method: "PUT", path: "/v1/teams/new", body: { contact: "a\nb" }, claims: tokens.platform },
    pointer: "/contact",
  },
  {
    reason: "an unknown tier",
    sent: { method: "PUT", path: "/v1/environments/qa", body: { tier: "qa" }, claims: tokens.platform },
    pointer: "/tier",
  },
  {
    reason: "a retry of what is not failed",
    sent: { method: "POST", path: `/v1/resources/${ids.resource}/retry` },
    status: 409,
    pointer: "id",
  },
  {
    reason: "a retry of another team's resource",
    sent: { method: "POST", path: `/v1/resources/${ids.failed}/retry`, claims: tokens.stranger },
    status: 404,
  },
  {
    reason: "a retry with a field",
    sent: { method: "POST", path: `/v1/resources/${ids.failed}/retry`, body: { force: true } },
    pointer: "/force",
  },
  {
    reason: "a retry with a key that is too long",
    sent: {
      method: "POST",
      path: `/v1/resources/${ids.failed}/retry`,
      headers: { "idempotency-key": "k".repeat(256) },
    },
    pointer: "Idempotency-Key",
  },
  {
    reason: "an abandon by a developer",
    sent: { method: "POST", path: `/v1/resources/${ids.resource}/abandon` },
    status: 403,
    pointer: "role",
  },
  {
    reason: "an abandon of nothing",
    sent: { method: "POST", path: `/v1/resources/${ids.nobody}/abandon`, claims: tokens.platform },
    status: 404,
  },
  {
    reason: "an abandon with a key that is too long",
    sent: {
      method: "POST",
      path: `/v1/resources/${ids.resource}/abandon`,
      headers: { "idempotency-key": "k".repeat(256) },
      claims: tokens.platform,
    },
    pointer: "Idempotency-Key",
  },
  {
    reason: "orphans of a team with no name",
    sent: { path: "/v1/orphans", query: "team=No!", claims: tokens.platform },
    pointer: "team",
  },
  {
    reason: "a cursor of another list",
    sent: { path: "/v1/orphans", query: "cursor=dGFyZ2V0c3xh" },
    pointer: "cursor",
  },
  {
    reason: "a breaker by a developer",
    sent: { ...breakerPut("staging/aws/breakers/AWS::MSK", { state: "OPEN" }), claims: tokens.developer },
    status: 403,
  },
  {
    reason: "a breaker in a state that is none",
    sent: breakerPut("staging/aws/breakers/AWS::MSK", { state: "HALF_OPEN" }),
    pointer: "/state",
  },
  {
    reason: "a breaker with an unknown field",
    sent: breakerPut("staging/aws/breakers/AWS::MSK", { state: "OPEN", failures: 0 }),
    pointer: "/failures",
  },
  {
    reason: "a breaker without a state",
    sent: breakerPut("staging/aws/breakers/AWS::MSK", {}),
    pointer: "/state",
  },
  {
    reason: "a service that is none",
    sent: breakerPut("staging/aws/breakers/AWS%27--", { state: "OPEN" }),
    pointer: "service",
  },
  {
    reason: "a service with a name that is too long",
    sent: breakerPut(`staging/aws/breakers/${"A".repeat(101)}`, { state: "OPEN" }),
    pointer: "service",
  },
  { reason: "an id that is none", sent: { path: "/v1/resources/1%27%20or%201=1" }, status: 404 },
  { reason: "an unknown path", sent: { path: "/v1/nothing" }, status: 404 },
  { reason: "a query where no token is needed", sent: { path: "/healthz", query: "verbose=1" }, pointer: "verbose" },
  { reason: "a path with a line break", sent: { path: "/v1/re\nsources" } },
  { reason: "an id with a U+0000 behind it", sent: { path: `/v1/resources/${ids.resource}\u0000` } },
  { reason: "an id with a space behind it", sent: { path: `/v1/resources/${ids.resource} ` } },
  { reason: "a method that a path does not take", sent: { method: "DELETE", path: "/v1/intents" }, status: 405 },
];

const goldenPaths = loadGoldenPaths(new URL("../../golden-paths/", import.meta.url), awsKindSchemas());

describe("bad input is a problem document that names the field", () => {
  it.each(rows)("$reason", async ({ sent, status = 400, pointer }) => {
    const state = seeded();
    state.targets = Object.entries(targets).map(([provider, config]) => ({
      ...targetOf(provider, { createdAt: at, updatedAt: at }),
      config,
    }));
    const { send, store, log } = harness({ state, deps: { goldenPaths } });

    const answer = await send(sent);

    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.body).toMatchObject({
      type: expect.stringMatching(/^\/problems\/[a-z-]+$/),
      title: expect.any(String),
      status,
      detail: expect.any(String),
    });
    if (pointer !== undefined)
      expect(answer.body.errors).toContainEqual({ pointer, message: expect.stringMatching(/./) });
    expect(store.calls.filter((call) => call === "acceptIntent" || call.startsWith("put"))).toEqual([]);
    expect(log).toEqual([]);
  });
});

describe("a breaker of what is not there is 404, names the field, and is not put", () => {
  const services = 'provider "aws" has no such service; it has AWS::S3';
  it.each([
    { place: "moon/aws/breakers/AWS::S3", pointer: "environment", message: "there is no such environment" },
    { place: "moon/aws/breakers/sqs", pointer: "environment", message: "there is no such environment" },
    {
      place: "staging/mainframe/breakers/AWS::S3",
      pointer: "provider",
      message: 'there is no target of provider "mainframe" in staging',
    },
    { place: "staging/aws/breakers/s3", pointer: "service", message: services },
    { place: "staging/aws/breakers/AWS::S3::Bucket", pointer: "service", message: services },
    { place: "staging/aws/breakers/AWS::Nonsense", pointer: "service", message: services },
  ])("$place", async ({ place, pointer, message }) => {
    for (const wanted of ["OPEN", "CLOSED"]) {
      const answer = await harness().send(breakerPut(place, { state: wanted }));
      expect(answer.status).toBe(404);
      expect(answer.body.errors).toEqual([{ pointer, message }]);
    }
  });

  it("but one that is there is closed, whatever the resource types ask for now", async () => {
    const { send, store } = harness();
    const answer = await send(breakerPut("staging/aws/breakers/AWS::MSK", { state: "CLOSED" }));
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({ service: "AWS::MSK", state: "CLOSED" });
    store.calls.length = 0;
    expect((await send(breakerPut("staging/aws/breakers/AWS::S3", { state: "OPEN" }))).status).toBe(200);
    expect(store.calls, "a service that is known costs one call").toEqual(["putBreaker"]);
  });
});

describe("what is not there is 404 and names where the request says it", () => {
  const nobodys = ids.nobody;
  it.each<{ path: string; pointer: string; method?: string; query?: string }>([
    { path: "/v1/resources/no-uuid", pointer: "id" },
    { path: `/v1/resources/${nobodys}`, pointer: "id" },
    { path: `/v1/resources/${nobodys}/events`, pointer: "id" },
    { path: `/v1/resources/${nobodys}/verify`, pointer: "id", method: "POST" },
    { path: `/v1/resources/${nobodys}/retry`, pointer: "id", method: "POST" },
    { path: `/v1/resources/${nobodys}/abandon`, pointer: "id", method: "POST" },
    { path: `/v1/intents/${nobodys}`, pointer: "id" },
    { path: `/v1/decisions/${nobodys}`, pointer: "id" },
    { path: `/v1/drift/reports/${nobodys}`, pointer: "id" },
    { path: "/v1/teams/nobody", pointer: "team" },
    { path: "/v1/services/nothing", pointer: "service", query: "team=payments" },
    { path: "/v1/services/orders", pointer: "team", query: "team=nobody", method: "PUT" },
    { path: "/v1/environments/moon", pointer: "environment" },
    { path: "/v1/resource-types/mainframe", pointer: "type" },
  ])("$path", async ({ path, pointer, method = "GET", query = "" }) => {
    const answer = await harness().send({ method, path, query, claims: tokens.platform });
    expect(answer.status, answer.text).toBe(404);
    expect(answer.body.errors).toEqual([{ pointer, message: answer.body.detail }]);
  });
});

it.each([
  { name: "used", by: ["user"], more: 0, users: "user" },
  { name: "used-a-lot", by: ["user", "user-2"], more: 1550, users: "user, user-2 and 1550 more" },
])("giving up what is $name is 409, and says by what", async ({ name, by, more, users }) => {
  const state = seeded();
  state.resources = state.resources.map((resource) => ({ ...resource, name }));
  const path = `/v1/resources/${ids.resource}/abandon`;
  const answer = await harness({ state }).send({ method: "POST", path, claims: tokens.platform });
  expect(answer.status).toBe(409);
  const message = `names a resource that is used by ${users}: abandon or delete them first`;
  expect(answer.body).toMatchObject({
    type: "/problems/referenced",
    by,
    more,
    errors: [{ pointer: "id", message }],
  });
});

describe("a member that is missing is said to be missing, and one of another type what it must be", () => {
  const required = "is required";
  const { team: _, ...teamless } = ordersIntent;
  const { action: __, ...actionless } = ordersIntent;
  const { resources: ___, ...resourceless } = ordersIntent;
  const put = (path: string, body: JsonObject): Sent => ({ method: "PUT", path, body, claims: tokens.platform });
  const tiers = "must be development, staging or production";
  it.each<{ sent: Sent; pointer: string; message: string }>([
    { sent: sendIntent(teamless), pointer: "/team", message: required },
    { sent: sendIntent({ ...ordersIntent, team: 7 }), pointer: "/team", message: "must be text" },
    { sent: sendIntent(actionless), pointer: "/action", message: required },
    { sent: sendIntent({ ...ordersIntent, action: null }), pointer: "/action", message: "must be apply or delete" },
    { sent: sendIntent(resourceless), pointer: "/resources", message: required },
    { sent: sendIntent(withDb({ class: "small" })), pointer: "/resources/db/type", message: required },
    { sent: sendIntent(withDb({ type: null })), pointer: "/resources/db/type", message: "must be text" },
    { sent: put("/v1/environments/qa", {}), pointer: "/tier", message: required },
    { sent: put("/v1/environments/qa", { tier: "best" }), pointer: "/tier", message: tiers },
    { sent: breakerPut("staging/aws/breakers/AWS::S3", {}), pointer: "/state", message: required },
    {
      sent: sendIntent(withDb({ type: "parameter" })),
      pointer: "/resources/db/parameters/value",
      message: required,
    },
  ])("$pointer $message", async ({ sent, pointer, message }) => {
    const answer = await harness({ deps: { goldenPaths } }).send(sent);
    expect(answer.status, answer.text).toBe(400);
    expect(answer.body.errors).toEqual([{ pointer, message }]);
  });
});

it.each(["limit=1&limit=2", "team=payments&team=search", "service=a&service=b"])(
  "says that %s names one twice",
  async (query) => {
    const answer = await harness().send({ path: "/v1/resources", query });
    expect(answer.body.errors).toEqual([{ pointer: query.split("=", 1)[0], message: "must be given once" }]);
  },
);

it("takes an intent of exactly 100 resources, and one of depth 32", async () => {
  const { send } = harness();
  expect((await send(sendIntent(withResources(many(100))))).status).toBe(202);
  const deep = withDb({ type: "bucket", overrides: nested(28) });
  expect((await send(sendIntent(deep, { headers: { "idempotency-key": "key-2" } }))).status).toBe(202);
});

it("refuses a reference to a resource that only every object has", async () => {
  const { send } = harness();
  const value = "${resources.constructor.outputs.url}";
  const answer = await send(sendIntent(withDb({ type: "bucket", parameters: { value } })));
  expect(answer.status, answer.text).toBe(400);
  expect(answer.body.errors).toMatchObject([{ pointer: "/resources/db/parameters/value" }]);
});
