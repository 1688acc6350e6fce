import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type IntentStatus, intentStatus } from "../../core/intent.ts";

const status = fc.constantFrom<IntentStatus>("PENDING", "SYNCING", "READY", "FAILED", "SUPERSEDED", "DELETED");

describe("an intent's status", () => {
  it.each<[string, IntentStatus[], IntentStatus]>([
    ["is SYNCING while anything is under way", ["FAILED", "PENDING", "SYNCING", "READY"], "SYNCING"],
    ["is PENDING while anything waits", ["FAILED", "PENDING", "READY"], "PENDING"],
    ["is FAILED when all is over and something failed", ["READY", "SUPERSEDED", "FAILED"], "FAILED"],
    ["is SUPERSEDED when a part was overtaken", ["READY", "SUPERSEDED"], "SUPERSEDED"],
    ["is READY when every part is", ["READY", "READY"], "READY"],
    ["is READY without parts", [], "READY"],
  ])("%s", (_reason, parts, expected) => expect(intentStatus("apply", parts)).toBe(expected));

  it("does not depend on the order of its parts", () => {
    fc.assert(
      fc.property(fc.array(status), fc.constantFrom("apply" as const, "delete" as const), (parts, action) => {
        expect(intentStatus(action, parts.toSorted())).toBe(intentStatus(action, parts));
      }),
    );
  });

  it("ends a delete DELETED where it ends an apply READY", () => {
    fc.assert(
      fc.property(fc.array(status), (parts) => {
        const applied = intentStatus("apply", parts);
        expect(intentStatus("delete", parts)).toBe(applied === "READY" ? "DELETED" : applied);
      }),
    );
  });
});
