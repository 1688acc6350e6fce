import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDeps } from "../deps.ts";
import { readReply, writeReply } from "../etag.ts";
import { openApiDocument } from "../openapi.ts";
import { answers, body } from "./describe.ts";

const open = { security: [], tags: ["About"], request: { query: z.strictObject({}) } };

const health = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  summary: "Whether this process serves",
  description: "Liveness: it asks nothing of the database, so nobody without a token can keep that awake or busy.",
  ...open,
  responses: answers({ 200: body(z.object({ status: z.literal("ok") }).openapi("Health"), "It does.") }),
});

const contract = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "getOpenApi",
  summary: "This document",
  ...open,
  responses: answers({ 200: body(z.looseObject({ openapi: z.string() }), "OpenAPI 3.1.") }),
});

/** What needs no token. */
export function publicRoutes(api: Api, made: ApiDeps["contract"] = () => openApiDocument(api)): void {
  let document: object | undefined;
  api.openapi(health, () => writeReply(200, { status: "ok" }));
  api.openapi(contract, (c) => {
    document ??= made();
    return readReply(c, document);
  });
}
