import type { ValidationTargets } from "hono";
import type { ZodError } from "zod";
import { type FieldError, maxFaults } from "../core/field-error.ts";
import { pointerTo } from "../core/json.ts";
import { badRequest, notFound } from "./problem.ts";

/** Hono hands a query parameter that was sent twice on as a list: no other one is of the wrong type, since all are text. */
const givenTwice = "must be given once";

/** Fields of answers, which only Cairn sets: sending one back is a common slip and deserves its own words. */
const serverOwned = new Set(
  "id status generation outputs reason external provider decision createdAt updatedAt kind properties externalName".split(
    " ",
  ),
);

/**
 * What becomes of a part of a request that does not fit its schema. `pointer` is an RFC 6901 pointer into the body
 * (`/resources/db/type`); for a query, path or header parameter it is the parameter's name (`limit`,
 * `Idempotency-Key`), which never begins with a slash. An id in a path that cannot be an id names nothing: 404.
 */
export function refuseInvalid(result: { target: keyof ValidationTargets; success: boolean; error?: ZodError }): void {
  if (result.success || result.error === undefined) return;
  if (result.target === "param" && result.error.issues.every(({ path }) => path[0] === "id")) {
    throw notFound("there is nothing with this id", "id");
  }
  throw badRequest(fieldErrors(result.error, result.target));
}

type Issue = ZodError["issues"][number];

function fieldErrors(error: ZodError, target: keyof ValidationTargets): FieldError[] {
  const pointerOf = (path: readonly PropertyKey[]) =>
    target === "json" ? path.map(String).reduce(pointerTo, "") : String(path[0] ?? target);
  return error.issues
    .map((issue) => (target === "query" && issue.code === "invalid_type" ? { ...issue, message: givenTwice } : issue))
    .flatMap((issue) => faults(issue, pointerOf))
    .slice(0, maxFaults);
}

function faults(issue: Issue, pointerOf: (path: readonly PropertyKey[]) => string): FieldError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ pointer: pointerOf([...issue.path, key]), message: unknownField(key) }));
  }
  if (issue.code === "invalid_key") {
    return [{ pointer: pointerOf(issue.path), message: issue.issues[0]?.message ?? issue.message }];
  }
  return [{ pointer: pointerOf(issue.path), message: issue.message }];
}

function unknownField(key: string): string {
  return serverOwned.has(key) ? "is set by Cairn, never by a caller" : "is unknown";
}
