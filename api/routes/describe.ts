import { type RouteConfig, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { type Access, allow } from "../access.ts";
import type { ApiEnv } from "../deps.ts";
import type { ProblemKind } from "../problem.ts";
import { refusals } from "../schemas/problem.ts";

/** A route that needs a caller with one of these roles; what else runs before its schemas comes after. */
export function guarded(access: Access, ...then: MiddlewareHandler[]) {
  const middleware: MiddlewareHandler<ApiEnv>[] = [allow(access), ...then];
  return { middleware, security: [{ bearer: [] }], "x-cairn-access": access };
}

/** Wider than what is written, so that handlers answer a plain `Response`; tests hold answers to the document. */
type Responses = RouteConfig["responses"];

type Body = { description: string; content: { "application/json": { schema: z.ZodType } }; headers?: z.ZodObject };

/** What a route answers, its refusals included. */
export function answers(successes: { [status: number]: Body }, ...kinds: ProblemKind[]): Responses {
  return { ...successes, ...refusals(...kinds) };
}

/** What a read answers: always with a tag, and `304` to who has it. */
export function reads(schema: z.ZodType, description: string, ...kinds: ProblemKind[]): Responses {
  return {
    200: body(schema, description, {
      ETag: text("Of exactly this body; for `If-None-Match`, and `If-Match` of a PUT."),
    }),
    304: { description: "`If-None-Match` names the current tag." },
    ...refusals(...kinds),
  };
}

/** What a PUT answers. */
export function puts(schema: z.ZodType, ...kinds: ProblemKind[]): Responses {
  const etag = { ETag: text("The tag that a read would answer.") };
  return {
    200: body(schema, "Changed.", etag),
    201: body(schema, "Made.", { ...etag, Location: text("Where it is.") }),
    ...refusals("precondition-failed", "unsupported-media-type", "too-large", ...kinds),
  };
}

export function body(schema: z.ZodType, description: string, headers: { [name: string]: z.ZodType } = {}): Body {
  return { description, content: { "application/json": { schema } }, headers: z.object(headers) };
}

export const text = (description: string) => z.string().openapi({ description });

/** Of every conditional read and PUT. Documented here, read by `etag.ts`. */
export const conditional = {
  get: z.object({ "If-None-Match": text("Answer 304 when this tag is current.").optional() }),
  put: z.object({
    "If-Match": text("Answer 412 unless this tag is current.").optional(),
    "If-None-Match": text("`*`: answer 412 if it exists.").optional(),
  }),
};
