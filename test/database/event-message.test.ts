import { expect, test } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import { eventMessage } from "../../database/event-message.ts";

const reason = { code: "PROVIDER_REJECTED", message: "No such engine.", retryAt: null };
const place = { service: "AWS::MSK", provider: "aws", environment: "staging" };

test.each<[event: string, detail: JsonObject, message: string]>([
  [
    "operation.held",
    { ...place, gate: "BREAKER", heldBy: null },
    "It waits: AWS::MSK in staging is not answering as it should.",
  ],
  ["operation.held", { ...place, gate: "BREAKER", heldBy: "pia" }, "It waits: pia has paused AWS::MSK in staging."],
  ["operation.held", { ...place, gate: "BUDGET" }, "It waits: more is asked of aws in staging than it takes at once."],
  ["operation.blocked", { by: ["db"], more: 0 }, "It cannot go on: db failed."],
  ["operation.blocked", { by: ["db", "cache"], more: 12 }, "It cannot go on: db, cache and 12 more failed."],
  [
    "operation.failed",
    { reason: { ...reason, providerCode: "ACCESS_DENIED" } },
    "It failed, with the provider's code ACCESS_DENIED: No such engine.",
  ],
  [
    "operation.waiting",
    { reason: { ...reason, providerCode: "THROTTLED" }, retryAt: "T" },
    "It waits until T, with the provider's code THROTTLED: No such engine.",
  ],
  ["operation.failed", { reason }, "It failed: No such engine."],
  ["operation.resumed", { epoch: 3 }, "Its turn came, so it goes on."],
  [
    "breaker.opened",
    { ...place, error: "THROTTLING", probe: false },
    "AWS::MSK in staging failed too often (THROTTLING): everything there waits until it answers.",
  ],
  [
    "breaker.opened",
    { ...place, error: "NO_ANSWER", probe: true },
    "AWS::MSK in staging still does not answer (NO_ANSWER).",
  ],
  ["breaker.closed", place, "AWS::MSK in staging answers again."],
  ["resource.retry", {}, "dana asked for another try."],
  ["resource.abandoned", { orphan: null }, "dana gave up its record; nothing of it is outside."],
  ["resource.abandoned", { orphan: "o-1" }, "dana gave up its record; what may be left outside is the orphan o-1."],
  ["drift.detected", { pointers: ["/A", "/B"] }, "It was changed behind Cairn's back: /A, /B."],
  ["drift.detected", { pointers: [""] }, "It is gone, removed behind Cairn's back."],
  ["drift.resolved", { pointers: ["/A"] }, "It is as wanted again: /A."],
  ["drift.resolved", { pointers: [""] }, "It is there again."],
  [
    "drift.doubted",
    place,
    "It was not found, and neither was too much else of aws in staging to believe it: it is looked for again.",
  ],
  ["drift.found", {}, "It is there: that it was not found was a mistake."],
  ["something.newer", {}, "something.newer"],
])("%s %j reads as a sentence", (event, detail, message) => {
  expect(eventMessage({ id: "1", at: "now", event, actor: "dana", detail })).toBe(message);
});
