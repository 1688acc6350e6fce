import { createRoute, z } from "@hono/zod-openapi";
import type { Target } from "../../core/catalog.ts";
import { changeShared, readShared } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { readReply, writeReply } from "../etag.ts";
import { jsonBody } from "../json-body.ts";
import { cursorsOf, pageOf, pageQuery } from "../paging.ts";
import { Problem } from "../problem.ts";
import { breaker, breakerBody, target } from "../schemas/catalog.ts";
import { name } from "../schemas/common.ts";
import { answers, body, conditional, guarded, reads } from "./describe.ts";

const tags = ["Environments"];

const listTargets = createRoute({
  method: "get",
  path: "/v1/targets",
  operationId: "listTargets",
  tags,
  summary: "Where each environment's resources live, and how much may be asked there",
  ...guarded(readShared),
  request: { query: z.strictObject({ environment: name.optional(), ...pageQuery }), headers: conditional.get },
  responses: reads(pageOf(target, "TargetPage"), "A page, sorted by environment and provider."),
});

const putBreaker = createRoute({
  method: "put",
  path: "/v1/targets/{environment}/{provider}/breakers/{service}",
  operationId: "putBreaker",
  tags,
  summary: "Open a breaker, or close it",
  description: "Opened by hand, it lets nothing through until it is closed by hand. What exists is left alone.",
  ...guarded(changeShared, jsonBody({ required: true })),
  request: {
    params: z.object({
      environment: name.openapi({ example: "staging" }),
      provider: name.openapi({ example: "aws" }),
      service: z
        .string()
        .regex(
          /^[A-Za-z][A-Za-z0-9]*(?:::[A-Za-z0-9]+)*$/,
          "must be a service as a target names it: AWS::MSK, Postgres",
        )
        .max(100, "must be at most 100 characters")
        .openapi({ example: "AWS::MSK" }),
    }),
    query: z.strictObject({}),
    body: { required: true, content: { "application/json": { schema: breakerBody } } },
  },
  responses: answers(
    { 200: body(breaker, "The breaker as it is now.") },
    "not-found",
    "too-large",
    "unsupported-media-type",
  ),
});

const cursors = cursorsOf("targets", "names");

export function targetRoutes(api: Api, { store }: ApiDeps): void {
  api.openapi(listTargets, async (c) => {
    const { environment, ...page } = c.req.valid("query");
    const caller = c.get("caller");
    const found = await store.targets(scopeOf(caller), environment ?? null, cursors.request(page));
    const items = caller.role === "platform" ? found.items : found.items.map(withoutWaysIn);
    return readReply(c, cursors.page({ ...found, items }));
  });

  api.openapi(putBreaker, async (c) => {
    const caller = c.get("caller");
    const place = c.req.valid("param");
    const set = await store.putBreaker(scopeOf(caller), caller, place, c.req.valid("json").state);
    if (set === null) {
      const message = `there is no target of provider "${place.provider}" in ${place.environment}`;
      throw new Problem("not-found", message, { errors: [{ pointer: "provider", message }] });
    }
    return writeReply(200, set);
  });
}

/** What opens a target to whoever knows it, or leads there, is the platform team's. */
function withoutWaysIn(target: Target): Target {
  const { roleArn, lookRoleArn, externalId, adminSecretArn, ...config } = target.config;
  return { ...target, config };
}
