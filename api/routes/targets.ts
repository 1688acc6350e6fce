import { createRoute, z } from "@hono/zod-openapi";
import type { Scope } from "../../core/caller.ts";
import type { Target } from "../../core/catalog.ts";
import type { GoldenPaths } from "../../core/definition.ts";
import { providerService } from "../../core/provider.ts";
import type { ApiStore } from "../../core/store.ts";
import { changeShared, readShared } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { Api, ApiDeps } from "../deps.ts";
import { readReply, writeReply } from "../etag.ts";
import { jsonBody } from "../json-body.ts";
import { cursorsOf, maxPage, pageOf, pageQuery } from "../paging.ts";
import { notFound, type Problem } from "../problem.ts";
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
  description:
    "Opened by hand, it lets nothing through until it is closed by hand. What exists is left alone. A service is one that a resource type asks of the provider, or that has a breaker at the target.",
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

type Place = { environment: string; provider: string; service: string };

export function targetRoutes(api: Api, { store, goldenPaths }: ApiDeps): void {
  api.openapi(listTargets, async (c) => {
    const { environment, ...page } = c.req.valid("query");
    const caller = c.get("caller");
    const found = await store.targets(scopeOf(caller), environment ?? null, cursors.request(page));
    const items = caller.role === "platform" ? found.items : found.items.map(withoutWaysIn);
    return readReply(c, cursors.page({ ...found, items }));
  });

  api.openapi(putBreaker, async (c) => {
    const caller = c.get("caller");
    const scope = scopeOf(caller);
    const place = c.req.valid("param");
    const services = servicesOf(goldenPaths, place.provider);
    if (!services.includes(place.service)) await requireBreaker(store, scope, place, services);
    const set = await store.putBreaker(scope, caller, place, c.req.valid("json").state);
    if (set === null) throw await noTarget(store, scope, place);
    return writeReply(200, set);
  });
}

/** What may be asked of a provider: that of every version, since resources live on of all. */
function servicesOf(goldenPaths: GoldenPaths, provider: string): string[] {
  const offered = goldenPaths.list().flatMap(({ tiers }) => Object.values(tiers));
  const kinds = offered.filter((one) => one.provider === provider).map(({ kind }) => kind);
  return [...new Set(kinds.map(providerService))].sort();
}

/** A breaker that no resource type asks for any more is still there to be closed; one of a misspelt name would hold nothing back. */
async function requireBreaker(store: ApiStore, scope: Scope, place: Place, services: string[]): Promise<void> {
  const { items } = await store.targets(scope, place.environment, { limit: maxPage, cursor: null });
  const target = items.find(({ provider }) => provider === place.provider);
  if (target === undefined) throw await noTarget(store, scope, place);
  if (target.breakers.some(({ service }) => service === place.service)) return;
  throw notFound(`provider "${place.provider}" has no such service; it has ${services.join(", ")}`, "service");
}

async function noTarget(store: ApiStore, scope: Scope, { environment, provider }: Place): Promise<Problem> {
  return (await store.environment(scope, environment)) === null
    ? notFound("there is no such environment", "environment")
    : notFound(`there is no target of provider "${provider}" in ${environment}`, "provider");
}

/** What opens a target to whoever knows it, or leads there, is the platform team's. */
function withoutWaysIn(target: Target): Target {
  const { roleArn, lookRoleArn, externalId, adminSecretArn, ...config } = target.config;
  return { ...target, config };
}
