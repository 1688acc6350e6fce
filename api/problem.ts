import { type FieldError, maxFaults } from "../core/field-error.ts";
import type { Json } from "../core/json.ts";

/**
 * Every kind of refusal, RFC 9457. The `type` of a problem is `/problems/{kind}`: stable, meant for programs; `title`
 * goes with the kind, `detail` with the occurrence. What is not said here (a token that is refused, a route's throttle)
 * is API Gateway's own and has its own body.
 */
export const problems = {
  "bad-request": { status: 400, title: "The request is not valid" },
  unauthenticated: { status: 401, title: "A token is needed" },
  forbidden: { status: 403, title: "This role may not do that" },
  denied: { status: 403, title: "Policy denies this intent" },
  "not-found": { status: 404, title: "There is no such thing here" },
  "method-not-allowed": { status: 405, title: "This path does not take that method" },
  conflict: { status: 409, title: "The request conflicts with how things stand" },
  referenced: { status: 409, title: "Other resources still reference this one" },
  "replacement-required": { status: 409, title: "The change can only be made by replacing the object" },
  "not-failed": { status: 409, title: "Only a resource that is FAILED can be tried again" },
  "not-ready": { status: 409, title: "Only a resource that is READY can be verified" },
  "precondition-failed": { status: 412, title: "It has changed since it was read" },
  "too-large": { status: 413, title: "The body is too large" },
  "unsupported-media-type": { status: 415, title: "The body must be application/json" },
  "key-reused": { status: 422, title: "This idempotency key was used with another payload" },
  internal: { status: 500, title: "Something went wrong on our side" },
  unavailable: { status: 503, title: "Try again shortly" },
} as const;

export type ProblemKind = keyof typeof problems;
export type ProblemStatus = (typeof problems)[ProblemKind]["status"];

export type ProblemMembers = {
  errors?: FieldError[];
  [extension: string]: Json | undefined;
};

/** Ends a request with a problem document. Thrown anywhere below the routes, written by `on-error.ts`. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly kind: ProblemKind;
  readonly members: ProblemMembers;
  readonly headers: { [name: string]: string };
  constructor(
    kind: ProblemKind,
    detail: string,
    members: ProblemMembers = {},
    headers: { [name: string]: string } = {},
  ) {
    super(detail);
    this.kind = kind;
    this.members = members;
    this.headers = headers;
  }
}

/** A request with faults in it: each with the field it stands in, up to `maxFaults`. */
export function badRequest(errors: FieldError[]): Problem {
  const [first] = errors;
  const where = first === undefined || first.pointer === "" ? "" : `${first.pointer}: `;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const detail = `${where}${first?.message ?? "the request is not valid"}${more}`;
  return new Problem("bad-request", detail, { errors: errors.slice(0, maxFaults) });
}

/** @param pointer where the request names what is not there; left out where that is the path itself */
export function notFound(message: string, pointer?: string): Problem {
  return new Problem("not-found", message, pointer === undefined ? {} : { errors: [{ pointer, message }] });
}

export function problemResponse(problem: Problem): Response {
  const { status, title } = problems[problem.kind];
  const body = { type: `/problems/${problem.kind}`, title, status, detail: problem.message, ...problem.members };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...problem.headers },
  });
}
