import { z } from "zod";

/** An object with these keys and no others; a misspelt key is answered with those that are allowed. */
export function closed<Shape extends z.core.$ZodShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `has no ${issue.keys?.join(", ")}; allowed are ${Object.keys(shape).join(", ")}`
        : issue.code === "invalid_type" && issue.input === undefined
          ? `is missing; it holds ${Object.keys(shape).join(", ")}`
          : undefined,
  });
}
