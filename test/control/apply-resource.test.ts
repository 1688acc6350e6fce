import { describe, expect, it } from "vitest";
import { type ApplyRequest, applyResource } from "../../control/apply-resource.ts";
import { hashOf } from "../../core/json.ts";
import type { Outcome } from "../../core/provider.ts";
import {
  busy,
  definition,
  final,
  next,
  reconciling,
  ref,
  type Script,
  sentHash,
  throttling,
  transient,
  workOf,
} from "./reconciling.ts";

const accepted: Outcome = { outcome: "accepted", request: "request-1", identifier: null, retryAfterSeconds: 3 };
const toMake: ApplyRequest = { identifier: null, sentHash };
const toChange: ApplyRequest = { identifier: "app", sentHash };
const end = { next: "end" };
const lookAgain = { next: "wait", seconds: 1 };
const deleting = workOf({ kind: "delete" });

describe("asking a provider", () => {
  it.each<[string, Script, ApplyRequest, string, object]>([
    ["makes what was found absent", {}, toMake, "apply", { state: "absent" }],
    ["changes what was found", {}, toChange, "apply", { state: "drifted", identifier: "app" }],
    ["takes away what was found", { work: deleting }, toChange, "destroy", { identifier: "app" }],
  ])("%s, once, between two calls of the store", async (_reason, script, asked, call, observed) => {
    const scene = reconciling({ ...script, outcome: accepted });
    expect(await applyResource(scene.deps, ref, asked)).toEqual({ next: "wait", seconds: 3 });
    expect(scene.calls, "that it is asked is committed before (F2)").toEqual(["workToSend", call, "advance"]);
    expect(scene.provided).toMatchObject([
      { token: "token-1", desired: { Url: "postgres://db" }, observed, signal: expect.any(AbortSignal) },
    ]);
    expect(scene.written).toEqual([{ to: "sent", request: "request-1", identifier: null }]);
    expect(scene.leases).toEqual([60]);
    expect(scene.sent).toEqual([sentHash]);
  });

  it("takes away even where an output that it used is gone", async () => {
    const scene = reconciling({ work: workOf({ kind: "delete", dependencies: {} }), outcome: accepted });
    const asked = { ...toChange, sentHash: hashOf(definition.properties) };
    expect(await applyResource(scene.deps, ref, asked)).toEqual({ next: "wait", seconds: 3 });
    expect(scene.calls).toEqual(["workToSend", "destroy", "advance"]);
  });

  it.each<[string, Outcome, Script, object, object]>([
    [
      "an identifier in the answer is kept",
      { ...accepted, request: null, identifier: "app" },
      {},
      { next: "wait", seconds: 3 },
      { to: "sent", request: null, identifier: "app" },
    ],
    [
      "the next look is at most a third of the lease away",
      { ...accepted, retryAfterSeconds: 900 },
      {},
      { next: "wait", seconds: 20 },
      { to: "sent" },
    ],
    ["accepted under a lost lease ends", accepted, { write: "lost" }, end, { to: "sent" }],
    [
      "rejected for a while is a new attempt",
      { outcome: "rejected", failure: transient },
      {},
      end,
      {
        to: "next-attempt",
        reason: { code: "PROVIDER_UNAVAILABLE", message: transient.message, providerCode: transient.code },
        delaySeconds: 4.5,
      },
    ],
    [
      "rejected for the fifth time asks for a person",
      { outcome: "rejected", failure: transient },
      { work: workOf({ attempt: 5 }) },
      end,
      { to: "failed", proven: true, reason: { code: "NEEDS_ATTENTION", providerCode: transient.code } },
    ],
    [
      "rejected for good fails",
      { outcome: "rejected", failure: final },
      {},
      end,
      {
        to: "failed",
        proven: true,
        reason: { code: "PROVIDER_REJECTED", message: final.message, providerCode: final.code },
      },
    ],
    [
      "a failure starts what it lets go on",
      { outcome: "rejected", failure: final },
      { write: [next] },
      { next: "start", startable: [next] },
      { to: "failed" },
    ],
    [
      "throttled keeps its token and waits as a row",
      { outcome: "throttled", failure: throttling, retryAfterSeconds: 1 },
      {},
      end,
      { to: "wait", reason: { code: "PROVIDER_THROTTLED", providerCode: throttling.code }, delaySeconds: 2.5 },
    ],
    [
      "throttled waits as long as it is told",
      { outcome: "throttled", failure: throttling, retryAfterSeconds: 40 },
      {},
      end,
      { to: "wait", delaySeconds: 40 },
    ],
    [
      "deferred keeps its token and waits as a row, for this one object",
      { outcome: "deferred", failure: busy, retryAfterSeconds: 10 },
      { work: workOf({ attempt: 5 }) },
      end,
      {
        to: "wait",
        reason: { code: "PROVIDER_UNAVAILABLE", providerCode: "CONCURRENT_OPERATION", message: busy.message },
        delaySeconds: 10,
      },
    ],
    [
      "the fifth attempt, throttled, is no failure",
      { outcome: "throttled", failure: throttling, retryAfterSeconds: 1 },
      { work: workOf({ attempt: 5 }) },
      end,
      { to: "wait" },
    ],
    [
      "an unknown outcome keeps its token and waits for a look",
      { outcome: "unknown", failure: transient },
      {},
      end,
      { to: "wait", reason: { code: "PROVIDER_UNAVAILABLE", providerCode: transient.code }, delaySeconds: 15 },
    ],
    [
      "even one that looks final is no proof",
      { outcome: "unknown", failure: final },
      { work: workOf({ attempt: 5 }) },
      end,
      { to: "wait" },
    ],
  ])("%s", async (_reason, outcome, script, step, written) => {
    const scene = reconciling({ ...script, outcome });
    expect(await applyResource(scene.deps, ref, toMake)).toEqual(step);
    expect(scene.calls).toEqual(["workToSend", "apply", "advance"]);
    expect(scene.written).toMatchObject([written]);
  });
});

describe("no provider is asked", () => {
  it.each<[string, Script, ApplyRequest, object]>([
    ["when the lease is lost", { work: null }, toMake, end],
    [
      "when the definition is not the one that policy allowed (I7)",
      { work: workOf({ decidedHash: "0".repeat(64) }) },
      toMake,
      lookAgain,
    ],
    [
      "when a value changed since the look",
      { work: workOf({ dependencies: { db: { url: "postgres://moved" } } }) },
      toMake,
      lookAgain,
    ],
    ["when a value has gone since the look", { work: workOf({ dependencies: {} }) }, toMake, lookAgain],
    ["when the target has gone since the look", { work: workOf({ target: null }) }, toMake, lookAgain],
    ["when there is no such provider", { provider: false }, toMake, lookAgain],
    ["when a delete would make something", { work: deleting }, toMake, lookAgain],
  ])("%s", async (_reason, script, asked, step) => {
    const scene = reconciling({ ...script, outcome: accepted });
    expect(await applyResource(scene.deps, ref, asked)).toEqual(step);
    expect(scene.calls).toEqual(["workToSend"]);
  });

  it("with other values than the look was about", async () => {
    const scene = reconciling({ outcome: accepted });
    expect(await applyResource(scene.deps, ref, { ...toMake, sentHash: "other" })).toEqual(lookAgain);
    expect(scene.calls).toEqual(["workToSend"]);
  });
});
