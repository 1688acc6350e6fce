import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../api/openapi.ts";
import type { JsonObject } from "../../core/json.ts";
import { harness, ids, ordersIntent, sendIntent, tokens } from "./harness.ts";

const document = JSON.parse(JSON.stringify(openApiDocument(harness().api))) as JsonObject & {
  paths: { [path: string]: { [method: string]: JsonObject & { operationId: string; tags: string[] } } };
};
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

describe("the contract", () => {
  it("is what is committed; `npm run openapi` writes it", () => {
    const committed = readFileSync(new URL("../../openapi.json", import.meta.url), "utf8");
    expect(JSON.parse(committed)).toEqual(document);
  });

  it("is valid OpenAPI 3.1, by the specification's own schema", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it("names every operation once, and describes, tags and refuses in each", () => {
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const operation of operations) {
      expect(operation.summary, operation.operationId).toMatch(/./);
      expect(operation.tags.length, operation.operationId).toBe(1);
      expect(Object.keys(operation.responses as JsonObject), operation.operationId).toEqual(
        expect.arrayContaining(["400", "500", "503"]),
      );
    }
  });

  it("has every route of the design", () => {
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(routes).toEqual(
      expect.arrayContaining([
        "post /v1/intents",
        "get /v1/intents/{id}",
        "get /v1/resources",
        "get /v1/resources/{id}",
        "get /v1/resources/{id}/events",
        "post /v1/resources/{id}/verify",
        ...["teams", "services", "environments"].map((list) => `get /v1/${list}`),
        ...["get", "put"].flatMap((method) =>
          ["teams/{team}", "services/{service}", "environments/{environment}"].map((path) => `${method} /v1/${path}`),
        ),
        "get /v1/drift/reports",
        "get /v1/drift/reports/{id}",
        "get /v1/drift/findings",
        "get /v1/resource-types",
        "get /v1/decisions/{id}",
        "get /v1/targets",
        "put /v1/targets/{environment}/{provider}/breakers/{service}",
        "post /v1/resources/{id}/retry",
        "post /v1/resources/{id}/abandon",
        "get /v1/orphans",
        "get /openapi.json",
        "get /healthz",
      ]),
    );
  });

  it("closes every request body", () => {
    const schemas = (document.components as { schemas: { [name: string]: JsonObject } }).schemas;
    for (const name of [
      "ApplyIntent",
      "DeleteIntent",
      "ResourceRequest",
      "TeamFields",
      "ServiceFields",
      "EnvironmentFields",
      "BreakerFields",
    ]) {
      expect(schemas[name]?.additionalProperties, name).toBe(false);
    }
  });

  it("is served as it is", async () => {
    const answer = await harness().send({ path: "/openapi.json", claims: null });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(document);
  });
});

describe("answers are as the contract says", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "api", ...document });
  const held = (operation: { path: string; method: string }, status: number, media: string) => {
    const at = [operation.path, operation.method, "responses", String(status), "content", media, "schema"];
    return ajv.getSchema(
      `api#/paths/${at.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`,
    );
  };

  it.each([
    { path: "/v1/intents/{id}", sent: { path: `/v1/intents/${ids.intent}` } },
    { path: "/v1/resources", sent: { path: "/v1/resources" } },
    { path: "/v1/resources/{id}", sent: { path: `/v1/resources/${ids.resource}` } },
    { path: "/v1/resources/{id}/events", sent: { path: `/v1/resources/${ids.resource}/events` } },
    { path: "/v1/drift/reports", sent: { path: "/v1/drift/reports" } },
    { path: "/v1/drift/reports/{id}", sent: { path: `/v1/drift/reports/${ids.report}` } },
    { path: "/v1/drift/findings", sent: { path: "/v1/drift/findings" } },
    { path: "/v1/decisions/{id}", sent: { path: `/v1/decisions/${ids.decision}` } },
    { path: "/v1/resource-types", sent: { path: "/v1/resource-types" } },
    { path: "/v1/targets", sent: { path: "/v1/targets" } },
    { path: "/v1/orphans", sent: { path: "/v1/orphans" } },
    { path: "/v1/resources/{id}/retry", sent: { path: `/v1/resources/${ids.failed}/retry`, method: "POST" } },
    { path: "/v1/resources/{id}/retry", sent: { path: `/v1/resources/${ids.resource}/retry`, method: "POST" } },
    {
      path: "/v1/resources/{id}/abandon",
      sent: { path: `/v1/resources/${ids.resource}/abandon`, method: "POST", claims: tokens.platform },
    },
    {
      path: "/v1/targets/{environment}/{provider}/breakers/{service}",
      sent: {
        path: "/v1/targets/staging/aws/breakers/AWS::MSK",
        method: "PUT",
        body: { state: "OPEN" },
        claims: tokens.platform,
      },
    },
    { path: "/v1/teams", sent: { path: "/v1/teams" } },
    { path: "/v1/resources/{id}/verify", sent: { path: `/v1/resources/${ids.resource}/verify`, method: "POST" } },
    { path: "/v1/intents", sent: sendIntent(ordersIntent) },
    { path: "/v1/intents", sent: sendIntent(ordersIntent, { query: "dryRun=true" }) },
    { path: "/v1/intents", sent: sendIntent({}) },
    { path: "/v1/resources/{id}", sent: { path: `/v1/resources/${ids.nobody}` } },
    { path: "/v1/teams/{team}", sent: { path: "/v1/teams/new", method: "PUT", claims: tokens.platform } },
  ])("$sent.method $sent.path $sent.query", async ({ path, sent }) => {
    const answer = await harness().send(sent);
    const media = answer.status < 400 ? "application/json" : "application/problem+json";
    const validate = held(
      { path, method: ("method" in sent ? sent.method : "GET")?.toLowerCase() ?? "get" },
      answer.status,
      media,
    );
    expect(validate, `${answer.status} is documented`).toBeDefined();
    expect(validate?.(answer.body), JSON.stringify(validate?.errors)).toBe(true);
  });
});
