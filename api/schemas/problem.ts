import { z } from "@hono/zod-openapi";
import { type ProblemKind, type ProblemStatus, problems } from "../problem.ts";
import { violation } from "./common.ts";

const fieldError = z
  .object({
    pointer: z.string().openapi({
      description:
        "An RFC 6901 pointer into the body (empty: the body as a whole), or the name of a query, path or header parameter, or of a token's claim.",
      example: "/resources/db/type",
    }),
    message: z.string().openapi({ example: "is unknown" }),
  })
  .openapi("FieldError");

const problem = z
  .object({
    type: z.enum(Object.keys(problems).map((kind) => `/problems/${kind}`) as [string, ...string[]]),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(fieldError).optional().openapi({
      description:
        "With 400, with 403 of a role, with 404 but of an unknown path, with 409 but `not-ready`, and with 422.",
    }),
    violations: z.array(violation).optional().openapi({ description: "With 403 denied." }),
    decision: z.object({ id: z.string() }).optional().openapi({ description: "With 403 denied." }),
    by: z
      .array(z.string())
      .optional()
      .openapi({ description: "With 409 referenced: the resources that still reference it." }),
    more: z
      .int()
      .optional()
      .openapi({ description: "With 409 of an abandonment: how many others reference it; `by` names 50 at most." }),
    requestId: z.string().optional().openapi({ description: "With 500 and 503." }),
  })
  .openapi("Problem", { description: "RFC 9457. `type` is stable." });

/** The refusals of one route, by status, for its description. */
export function refusals(...kinds: ProblemKind[]) {
  const all = new Set<ProblemKind>([
    "bad-request",
    "unauthenticated",
    "forbidden",
    ...kinds,
    "internal",
    "unavailable",
  ]);
  const byStatus = new Map<ProblemStatus, string[]>();
  for (const kind of all) {
    const { status, title } = problems[kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${kind}\`: ${title}.`]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [
      status,
      { description: lines.join(" "), content: { "application/problem+json": { schema: problem } } },
    ]),
  );
}
