import type { z } from "zod";

const kinds: { readonly [expected: string]: string } = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** What zod finds by itself, said as what is allowed. A schema's own words come before these. */
export function wordFault(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "too_small":
      return `must ${verb(issue.origin)} at least ${issue.minimum}`;
    case "too_big":
      return `must ${verb(issue.origin)} at most ${issue.maximum}`;
    case "invalid_union":
      return issue.options === undefined ? undefined : `must be one of ${(issue.options as string[]).join(", ")}`;
    default:
      return undefined;
  }
}

function verb(origin: string): string {
  return origin === "array" || origin === "string" ? "have" : "be";
}
