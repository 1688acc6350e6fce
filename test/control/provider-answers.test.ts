import { describe, expect, it } from "vitest";
import { applyResource } from "../../control/apply-resource.ts";
import { observeResource } from "../../control/observe-resource.ts";
import type { Failure, Observation, Outcome } from "../../core/provider.ts";
import {
  asked,
  attributes,
  busy,
  final,
  reconciling,
  ref,
  type Script,
  sentHash,
  throttling,
  transient,
  workOf,
} from "./reconciling.ts";

const unknown = (failure: Failure): Observation => ({ state: "unknown", failure, retryAfterSeconds: null });
const failedRequest = (failure: Failure): Observation => ({ state: "absent", failed: failure });
const notStabilized: Failure = { code: "NOT_STABILIZED", message: "It did not come up.", transient: true };
const unwell: Failure = { code: "SERVICE_INTERNAL_ERROR", message: "The service is not well.", transient: true };
const forbidden: Failure = { code: "ACCESS_DENIED", message: "No.", transient: false };
const difference = { pointer: "/Name", expected: "app", actual: "other" };

describe("a look tells the breaker how the provider answered", () => {
  it.each<{ reason: string; script: Script; answers: (string | null)[] }>([
    { reason: "READY", script: { seen: { state: "ready", identifier: "app", attributes } }, answers: ["answered"] },
    {
      reason: "gone, in a deletion",
      script: { work: workOf({ kind: "delete" }), seen: { state: "absent" } },
      answers: ["answered"],
    },
    { reason: "a hang or a 5xx", script: { seen: unknown(transient) }, answers: ["failed"] },
    { reason: "a 429", script: { seen: unknown(throttling) }, answers: ["throttled"] },
    { reason: "a refusal, which is an answer", script: { seen: unknown(forbidden) }, answers: ["answered"] },
    {
      reason: "two answers that contradict each other, of one object",
      script: { seen: unknown({ code: "LISTED_AND_NOT_FOUND", message: "Later.", transient: true, answered: true }) },
      answers: ["answered"],
    },
    {
      reason: "a service that failed inside",
      script: { work: workOf(asked), seen: failedRequest(unwell) },
      answers: ["failed"],
    },
    {
      reason: "a service that was throttled itself",
      script: { work: workOf(asked), seen: failedRequest({ ...throttling, code: "THROTTLING" }) },
      answers: ["throttled"],
    },
    {
      reason: "an object that did not come up, of a service that is well",
      script: { work: workOf(asked), seen: failedRequest(notStabilized) },
      answers: ["answered"],
    },
    {
      reason: "something that another session holds, for which the service is not to blame",
      script: {
        work: workOf(asked),
        seen: failedRequest({ code: "CLUSTER_BUSY", message: "Later.", transient: true }),
      },
      answers: ["answered"],
    },
    {
      reason: "a value that it does not take",
      script: { work: workOf(asked), seen: failedRequest(final) },
      answers: ["answered"],
    },
    {
      reason: "an object that is not as asked",
      script: {
        work: workOf(asked),
        seen: { state: "drifted", identifier: "app", attributes, differences: [difference] },
      },
      answers: ["answered"],
    },
    {
      reason: "work in progress, which costs no call",
      script: { work: workOf(asked), seen: { state: "progressing", retryAfterSeconds: 5 } },
      answers: [],
    },
    {
      reason: "work in progress, which a probe says at once",
      script: { work: workOf({ ...asked, probing: true }), seen: { state: "progressing", retryAfterSeconds: 5 } },
      answers: ["answered"],
    },
    { reason: "nothing, where nobody was asked", script: { work: workOf({ target: null }) }, answers: [null] },
  ])("$reason", async ({ script, answers }) => {
    const scene = reconciling(script);
    await observeResource(scene.deps, ref);
    expect(scene.answers).toEqual(answers);
  });
});

describe("a request tells it too", () => {
  it.each<{ reason: string; outcome: Outcome; answers: string[] }>([
    {
      reason: "taken",
      outcome: { outcome: "accepted", request: "request-1", identifier: null, retryAfterSeconds: 1 },
      answers: ["answered"],
    },
    { reason: "refused", outcome: { outcome: "rejected", failure: final }, answers: ["answered"] },
    {
      reason: "refused, because the service is not well",
      outcome: { outcome: "rejected", failure: unwell },
      answers: ["failed"],
    },
    {
      reason: "throttled",
      outcome: { outcome: "throttled", failure: throttling, retryAfterSeconds: 5 },
      answers: ["throttled"],
    },
    {
      reason: "not now, for another change of this one object, of a service that is well",
      outcome: { outcome: "deferred", failure: busy, retryAfterSeconds: 10 },
      answers: ["answered"],
    },
    {
      reason: "that it has the token already, which is an answer",
      outcome: {
        outcome: "unknown",
        failure: { code: "TOKEN_CONFLICT", message: "It is looked at.", transient: true, answered: true },
      },
      answers: ["answered"],
    },
    { reason: "no answer", outcome: { outcome: "unknown", failure: transient }, answers: ["failed"] },
  ])("$reason", async ({ outcome, answers }) => {
    const scene = reconciling({ outcome });
    await applyResource(scene.deps, ref, { identifier: null, sentHash });
    expect(scene.answers).toEqual(answers);
  });
});

describe("calls beyond the usual are written with what is written anyway", () => {
  it.each<{ reason: string; script: Script; calls: string[]; charged: number[] }>([
    {
      reason: "with the end",
      script: { seen: { state: "ready", identifier: "app", attributes, beyond: 14 } },
      calls: ["work", "observe", "advance"],
      charged: [14],
    },
    {
      reason: "with a wait as a row",
      script: { seen: { ...unknown(transient), beyond: 14 } },
      calls: ["work", "observe", "advance"],
      charged: [14],
    },
    {
      reason: "or by themselves, where a look leads to nothing but another",
      script: { work: workOf(asked), seen: { state: "progressing", retryAfterSeconds: 5, beyond: 14 } },
      calls: ["work", "observe", "advance"],
      charged: [14],
    },
    {
      reason: "also where absence is doubted",
      script: {
        work: workOf({ resource: { ...workOf().resource, identifier: "app" } }),
        seen: { state: "absent", beyond: 14 },
        absence: { seconds: 0, denied: false },
      },
      calls: ["work", "observe", "absent", "advance"],
      charged: [14],
    },
  ])("$reason", async ({ script, calls, charged }) => {
    const scene = reconciling(script);
    await observeResource(scene.deps, ref);
    expect({ calls: scene.calls, charged: scene.charged }).toEqual({ calls, charged });
  });

  it("with the request that follows, and the request's own with its answer", async () => {
    const scene = reconciling({
      seen: { state: "absent", beyond: 14 },
      outcome: { outcome: "accepted", request: "request-1", identifier: null, retryAfterSeconds: 1, beyond: 2 },
    });
    const step = await observeResource(scene.deps, ref);
    expect(step).toEqual({ next: "apply", identifier: null, sentHash, beyond: 14 });
    if (step.next === "apply") await applyResource(scene.deps, ref, step);
    expect(scene.calls).toEqual(["work", "observe", "workToSend", "apply", "advance"]);
    expect(scene.charged).toEqual([14, 2]);
  });
});
