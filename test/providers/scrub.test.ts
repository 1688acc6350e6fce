import { describe, expect, test } from "vitest";
import { scrub } from "../../providers/scrub.ts";

const canary = "c4n4ry-Pa55word";

describe("a provider's message", () => {
  test.each([
    { reason: "a secret that we sent", message: `Value ${canary} is too short`, secrets: [canary] },
    { reason: "the same inside JSON text", message: String.raw`{"v":"a\"b-${canary}"}`, secrets: [`a"b-${canary}`] },
    { reason: "a secret within a longer one", message: `x${canary}y ${canary}`, secrets: [canary, `x${canary}y`] },
    { reason: "a password that somebody else wrote", message: `MasterUserPassword=${canary}`, secrets: [] },
    { reason: "a password in JSON", message: `{"password": "${canary}"}`, secrets: [] },
    {
      reason: "a password in JSON inside JSON",
      message: JSON.stringify({ v: `{"password":"${canary}"}` }),
      secrets: [],
    },
    { reason: "a password in a URL", message: `postgres://app:${canary}@db/orders`, secrets: [] },
    { reason: "a verifier", message: `PASSWORD 'SCRAM-SHA-256$4096:${canary}'`, secrets: [] },
  ])("keeps out $reason", ({ message, secrets }) => {
    expect(scrub(message, secrets)).not.toContain(canary);
  });

  test("stays readable", () => {
    expect(scrub("Invalid value at /PartitionCount: 0 is below 1", [canary])).toBe(
      "Invalid value at /PartitionCount: 0 is below 1",
    );
  });

  test("is cut to a length that fits a reason", () => {
    expect(scrub("x".repeat(2000))).toHaveLength(500);
  });
});
