import { createRoute, z } from "@hono/zod-openapi";
import type { AcceptOutcome } from "../../control/accept-intent.ts";
import { changeTeam, readTeam } from "../access.ts";
import { scopeOf } from "../caller.ts";
import type { AcceptIntent, Api, ApiDeps } from "../deps.ts";
import { readReply, writeReply } from "../etag.ts";
import { idempotencyHeader, idempotencyKey, requiredIdempotencyKey } from "../idempotency-key.ts";
import { jsonBody } from "../json-body.ts";
import { badRequest, notFound, Problem } from "../problem.ts";
import { id } from "../schemas/common.ts";
import { intentBody, intentView, plan, toIntent } from "../schemas/intent.ts";
import { requireSight } from "../team-asked.ts";
import { answers, body, conditional, guarded, reads, text } from "./describe.ts";

const postIntent = createRoute({
  method: "post",
  path: "/v1/intents",
  operationId: "sendIntent",
  tags: ["Intents"],
  summary: "Say what a service needs",
  description:
    "`apply` replaces the whole definition of each resource it names and leaves the others alone; `delete` deletes. The same key with the same payload gets the original answer again, for 7 days; only a 202 binds a key.",
  ...guarded(changeTeam, jsonBody({ required: true })),
  request: {
    query: z.strictObject({
      dryRun: z
        .enum(["true", "false"], "must be true or false")
        .optional()
        .openapi({ description: "`true`: answer the plan, change nothing." }),
    }),
    headers: z.object({
      "Idempotency-Key": text(
        "1 to 255 visible ASCII characters, no comma; its scope is the team. Required unless `dryRun=true`.",
      ).optional(),
    }),
    body: { required: true, content: { "application/json": { schema: intentBody } } },
  },
  responses: answers(
    {
      200: body(plan, "The plan (`dryRun=true`)."),
      202: body(intentView, "Accepted: it will reach a terminal status.", {
        Location: text("The intent."),
        "Idempotent-Replayed": text("`true` when this is the answer of an earlier request with this key.").optional(),
      }),
    },
    "denied",
    "not-found",
    "referenced",
    "replacement-required",
    "too-large",
    "unsupported-media-type",
    "key-reused",
  ),
});

const getIntent = createRoute({
  method: "get",
  path: "/v1/intents/{id}",
  operationId: "getIntent",
  tags: ["Intents"],
  summary: "How an intent is getting on",
  ...guarded(readTeam),
  request: { params: z.object({ id }), query: z.strictObject({}), headers: conditional.get },
  responses: reads(intentView, "The intent, with its resources' current statuses.", "not-found"),
});

export function intentRoutes(api: Api, deps: ApiDeps, acceptIntent: AcceptIntent): void {
  api.openapi(postIntent, async (c) => {
    const caller = c.get("caller");
    const intent = toIntent(c.req.valid("json"));
    const dryRun = c.req.valid("query").dryRun === "true";
    const key = dryRun ? idempotencyKey(c) : requiredIdempotencyKey(c);
    requireSight(caller, intent.team, "/team");
    return answerOf(await acceptIntent(deps, { caller, scope: scopeOf(caller), intent, key, dryRun }));
  });

  api.openapi(getIntent, async (c) => {
    const found = await deps.store.intent(scopeOf(c.get("caller")), c.req.valid("param").id);
    if (found === null) throw notFound("there is no intent with this id", "id");
    return readReply(c, found);
  });
}

function answerOf(result: AcceptOutcome): Response {
  switch (result.outcome) {
    case "accepted":
      // In the contract's order: a replayed answer comes out of `jsonb`, which keeps no order, and is the same to the byte.
      return writeReply(202, intentView.parse(result.intent), {
        location: `/v1/intents/${result.intent.id}`,
        ...(result.replayed ? { "idempotent-replayed": "true" } : {}),
      });
    case "planned":
      return writeReply(200, result.plan);
    case "denied": {
      const rules = [...new Set(result.violations.map(({ rule }) => rule))].join(", ");
      throw new Problem("denied", `denied by ${rules}`, {
        violations: result.violations,
        decision: { id: result.decisionId },
        instance: `/v1/decisions/${result.decisionId}`,
      });
    }
    case "invalid":
      throw badRequest(result.errors);
    case "key-reused": {
      const message = "came with another payload before; use a new one";
      const errors = [{ pointer: idempotencyHeader, message }];
      throw new Problem("key-reused", `${idempotencyHeader} ${message}`, { errors });
    }
    case "referenced": {
      const { pointer, by, message } = result;
      throw new Problem("referenced", message, { by, errors: [{ pointer, message }] });
    }
    case "replacement-required": {
      const { pointers, message } = result;
      throw new Problem("replacement-required", message, { errors: pointers.map((pointer) => ({ pointer, message })) });
    }
    case "busy":
      throw new Problem(
        "unavailable",
        "the same resources are being changed by others; nothing was stored",
        {},
        { "retry-after": "1" },
      );
  }
}
