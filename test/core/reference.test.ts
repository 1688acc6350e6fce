import { describe, expect, test } from "vitest";
import type { Json } from "../../core/json.ts";
import { mayHaveBecome } from "../../core/reference.ts";

const arn = "${resources.dead.outputs.arn}";

describe("a text with references may have become", () => {
  test.each<[string, Json, boolean, string]>([
    [arn, "arn:aws:sqs:x", true, "a reference alone is any value"],
    [arn, 6379, true, "and a number too"],
    [`${arn}:*`, "arn:x:*", true, "text after it"],
    [`s3://${arn}/`, "s3://files/", true, "text around it"],
    [`${arn},${arn}`, "a,b", true, "two with text between"],
    [`${arn}${arn}`, "ab", true, "two side by side"],
    [`s3://${arn}`, "http://files", false, "another beginning"],
    [`${arn}/`, "files", false, "another end"],
    [`${arn},${arn}`, "ab", false, "what stands between is missing"],
    [`ab${arn}ba`, "aba", false, "beginning and end may not overlap"],
    [`s3://${arn}`, 3, false, "text never becomes a number"],
    ["plain", "plain", true, "without a reference it is itself"],
    ["plain", "other", false, "and nothing else"],
  ])("%s → %j: %s (%s)", (text, value, expected) => {
    expect(mayHaveBecome(text, value)).toBe(expected);
  });
});
