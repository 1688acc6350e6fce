import { describe, expect, it } from "vitest";
import { observeResource } from "../../control/observe-resource.ts";
import { deniedSeconds, staleSeconds } from "../../control/pace.ts";
import type { Progress, Work } from "../../core/operation.ts";
import type { Observation } from "../../core/provider.ts";
import { definitionOf } from "./inputs.ts";
import {
  asked,
  attributes,
  final,
  next,
  reconciling,
  ref,
  sentHash,
  throttling,
  transient,
  workOf,
} from "./reconciling.ts";

const ready: Observation = { state: "ready", identifier: "app", attributes };
const drifted: Observation = {
  state: "drifted",
  identifier: "app",
  attributes,
  differences: [{ pointer: "/Name", expected: "app", actual: "x" }],
};
const absent: Observation = { state: "absent" };
const progressing: Observation = { state: "progressing", retryAfterSeconds: 4.2 };
const unknown: Observation = { state: "unknown", failure: transient, retryAfterSeconds: null };

const end = { next: "end" };
const apply = { next: "apply", identifier: null, sentHash };
const change = { next: "apply", identifier: "app", sentHash };
const failed = (code: string, proven: boolean, message: unknown = expect.any(String)) => ({
  to: "failed",
  reason: { code, message, retryAt: null },
  proven,
});
const again = (code = "PROVIDER_UNAVAILABLE", message: unknown = expect.any(String)) => ({
  to: "next-attempt",
  reason: { code, message, retryAt: null },
  delaySeconds: 4.5,
});

type Row = [reason: string, work: Partial<Work>, seen: Observation, step: object, written: object | null];

const applies: Row[] = [
  [
    "what is as wanted is READY, with its outputs",
    {},
    ready,
    end,
    { to: "ready", identifier: "app", outputs: { arn: "arn:app", url: "https://app" } },
  ],
  ["so it is after the request was sent", asked, ready, end, { to: "ready" }],
  [
    "so it is for an operation that was overtaken: the store makes room",
    { ...asked, superseded: true },
    ready,
    end,
    { to: "ready" },
  ],
  [
    "what is ready but lacks an output asks for a person",
    {},
    { ...ready, attributes: { Arn: "a" } },
    end,
    { ...failed("NEEDS_ATTENTION", true, expect.stringContaining("attributes.Url")), identifier: "app" },
  ],
  ["what is absent is made", {}, absent, apply, null],
  ["what differs is changed", {}, drifted, change, null],
  ["an unknown outcome is asked for again under its token", { tokenAgeSeconds: 5 }, absent, apply, null],
  [
    "so it is for what was overtaken: its object must be known first",
    { tokenAgeSeconds: 5, superseded: true },
    absent,
    apply,
    null,
  ],
  ["what was overtaken does not change what is there", { tokenAgeSeconds: 5, superseded: true }, drifted, end, again()],
  [
    "a request of the operation before this one is not this one's failure",
    { request: "request-0" },
    drifted,
    change,
    null,
  ],
  [
    "what was said to be done and is not there is tried again",
    asked,
    absent,
    end,
    again("PROVIDER_UNAVAILABLE", "The provider said it was done, but it is not there."),
  ],
  [
    "what was said to be done and differs is tried again",
    asked,
    drifted,
    end,
    again("PROVIDER_UNAVAILABLE", "The provider said it was done, but these differ: /Name."),
  ],
  [
    "a request that failed for a while is tried again",
    asked,
    { ...absent, failed: transient },
    end,
    again("PROVIDER_UNAVAILABLE", transient.message),
  ],
  [
    "a request that was throttled is tried again, and says so",
    asked,
    { ...absent, failed: throttling },
    end,
    again("PROVIDER_THROTTLED"),
  ],
  [
    "a code that only sounds like a rate is no throttling",
    asked,
    { ...absent, failed: { ...transient, code: "CertificateGenerateFailed" } },
    end,
    again("PROVIDER_UNAVAILABLE"),
  ],
  [
    "a request that failed for good fails",
    asked,
    { ...drifted, failed: final },
    end,
    failed("PROVIDER_REJECTED", true, final.message),
  ],
  [
    "the fourth failed attempt is not the last",
    { ...asked, attempt: 4 },
    { ...absent, failed: transient },
    end,
    { to: "next-attempt" },
  ],
  [
    "the fifth asks for a person (F13)",
    { ...asked, attempt: 5 },
    { ...absent, failed: transient },
    end,
    failed("NEEDS_ATTENTION", true, `5 attempts failed, the last one so: ${transient.message}`),
  ],
  ["so does the fifth that did not converge", { ...asked, attempt: 5 }, drifted, end, failed("NEEDS_ATTENTION", true)],
  ["what is under way is waited for, in whole seconds", asked, progressing, { next: "wait", seconds: 5 }, null],
  [
    "no longer than a third of the lease",
    asked,
    { ...progressing, retryAfterSeconds: 600 },
    { next: "wait", seconds: 20 },
    null,
  ],
  ["and no shorter than a second", asked, { ...progressing, retryAfterSeconds: 0 }, { next: "wait", seconds: 1 }, null],
  [
    "a request found under way is kept",
    {},
    { ...progressing, request: "request-7" },
    { next: "wait", seconds: 5 },
    { to: "sent", request: "request-7", identifier: null },
  ],
  [
    "and not written again when it is known",
    asked,
    { ...progressing, request: "request-1" },
    { next: "wait", seconds: 5 },
    null,
  ],
  [
    "a look that showed nothing changes nothing and waits as a row (F14)",
    asked,
    unknown,
    end,
    { to: "wait", reason: { code: "PROVIDER_UNAVAILABLE" }, delaySeconds: 2.5 },
  ],
  ["longer the more often it has waited", { waits: 3 }, unknown, end, { to: "wait", delaySeconds: 16.5 }],
  [
    "at least as long as the provider asks",
    {},
    { ...unknown, retryAfterSeconds: 90 },
    end,
    { to: "wait", delaySeconds: 90 },
  ],
  [
    "a look that will never show anything asks for a person",
    {},
    { ...unknown, failure: final },
    end,
    failed("NEEDS_ATTENTION", false, final.message),
  ],
];

const deletes: Row[] = [
  ["what is absent is deleted", {}, absent, end, { to: "deleted" }],
  ["so it is after the request was sent", asked, absent, end, { to: "deleted" }],
  ["what is there is taken away", {}, ready, change, null],
  ["what differs is taken away as well", {}, drifted, change, null],
  ["an unknown outcome is asked for again under its token", { tokenAgeSeconds: 5 }, ready, change, null],
  [
    "what was said to be deleted and is there is tried again",
    asked,
    ready,
    end,
    again("PROVIDER_UNAVAILABLE", "The provider said it was deleted, and it is still there."),
  ],
  ["the fifth time it asks for a person", { ...asked, attempt: 5 }, drifted, end, failed("NEEDS_ATTENTION", true)],
  ["a request that failed for a while is tried again", asked, { ...ready, failed: transient }, end, again()],
  ["a request that failed for good fails", asked, { ...ready, failed: final }, end, failed("PROVIDER_REJECTED", true)],
  ["what is under way is waited for", asked, progressing, { next: "wait", seconds: 5 }, null],
  ["a look that showed nothing is no proof of absence", asked, unknown, end, { to: "wait" }],
  ["an output that is gone does not stand in its way", { dependencies: {} }, absent, end, { to: "deleted" }],
];

describe.each([
  ["an apply", "apply" as const, applies],
  ["a delete", "delete" as const, deletes],
])("observing for %s", (_name, kind, rows) => {
  it.each(rows)("%s", async (_reason, work, seen, step, written) => {
    const scene = reconciling({ work: workOf({ kind, ...work }), seen });
    expect(await observeResource(scene.deps, ref)).toEqual(step);
    expect(scene.written).toMatchObject(written === null ? [] : [written]);
    // What was made and is not there is doubted first (F15), unless its own deletion has ended.
    const isAsked = work.request !== undefined;
    const doubts = seen === absent && isAsked === (kind === "apply") ? ["absent"] : [];
    expect(scene.calls, "a call to read, one more where there is something to write").toEqual([
      ...["work", "observe", ...doubts],
      ...(written === null ? [] : ["advance"]),
    ]);
  });
});

describe("nothing is asked of a provider", () => {
  it.each<[string, Parameters<typeof reconciling>[0], string]>([
    [
      "whose definition is not the one that policy allowed (I7)",
      { work: workOf({ decidedHash: "0".repeat(64) }) },
      "not the one that policy allowed",
    ],
    [
      "about a delete of such a definition",
      { work: workOf({ kind: "delete", decidedHash: "0".repeat(64) }) },
      "not the one that policy allowed",
    ],
    ["without a target", { work: workOf({ target: null }) }, 'no target of provider "aws" for staging'],
    ["with an output that is not known", { work: workOf({ dependencies: { db: {} } }) }, "resources.db.outputs.url"],
    ["that this Cairn does not have", { provider: false }, 'no provider "aws"'],
  ])("%s", async (_reason, script, message) => {
    const scene = reconciling(script);
    expect(await observeResource(scene.deps, ref)).toEqual(end);
    expect(scene.calls).toEqual(["work", "advance"]);
    expect(scene.written).toEqual([failed("NEEDS_ATTENTION", false, expect.stringContaining(message))]);
  });

  it("once the lease is lost", async () => {
    const scene = reconciling({ work: null });
    expect(await observeResource(scene.deps, ref)).toEqual(end);
    expect(scene.calls).toEqual(["work"]);
  });
});

describe("observing", () => {
  it("shows the provider the values as they are now, and everything that finds its object again", async () => {
    const work = workOf({ ...asked, sentHash: "hash" });
    const scene = reconciling({ work: { ...work, resource: { ...work.resource, identifier: "id" } }, seen: ready });
    await observeResource(scene.deps, ref);
    expect(scene.provided).toEqual([
      {
        resourceId: work.resource.id,
        team: "payments",
        service: "orders",
        environment: "staging",
        name: "app",
        kind: "AWS::S3::Bucket",
        externalName: "app",
        identifier: "id",
        desired: { Name: "app", Url: "postgres://db" },
        target: { region: "eu-central-1" },
        token: "token-1",
        request: "request-1",
        tokenAgeSeconds: 5,
        sentHash: "hash",
        applied: [],
        signal: expect.any(AbortSignal),
      },
    ]);
    expect(scene.leases).toEqual([60]);
  });

  it("tells it what earlier generations asked for, with the references filled in that are still known", async () => {
    const applied = [{ Url: "${resources.db.outputs.url}" }, { Url: "${resources.gone.outputs.url}", Name: "old" }];
    const scene = reconciling({ work: workOf({ applied }), seen: ready });
    await observeResource(scene.deps, ref);
    expect(scene.provided[0]?.applied).toEqual([{ Url: "postgres://db" }, applied[1]]);
  });

  it.each(["apply", "delete"] as const)(
    "gives what was READY just now time to show itself before an %s takes it for gone (F15)",
    async (kind) => {
      const work = (readySeconds: number | null) => ({ work: workOf({ kind, readySeconds }), seen: absent });
      const fresh = reconciling(work(staleSeconds - 3.5));
      expect(await observeResource(fresh.deps, ref)).toEqual({ next: "wait", seconds: 4 });
      expect(fresh.written).toEqual([]);
      for (const readySeconds of [staleSeconds, 3600, null]) {
        const scene = reconciling(work(readySeconds));
        expect(await observeResource(scene.deps, ref)).toEqual(kind === "apply" ? apply : end);
        expect(scene.written).toEqual(kind === "apply" ? [] : [{ to: "deleted" }]);
      }
    },
  );

  describe("what was READY and is not found any more (F15)", () => {
    const made = { resource: { ...workOf().resource, identifier: "app" } };
    const missed = (seconds: number, denied = false, kind: Work["kind"] = "apply") =>
      reconciling({ work: workOf({ ...made, kind }), seen: absent, absence: { seconds, denied } });

    it.each(["apply", "delete"] as const)("is looked at again before an %s takes it for gone", async (kind) => {
      const first = missed(4.5, false, kind);
      expect(await observeResource(first.deps, ref)).toEqual({ next: "wait", seconds: Math.ceil(staleSeconds - 4.5) });
      expect(first.calls).toEqual(["work", "observe", "absent"]);
      const later = missed(staleSeconds, false, kind);
      expect(await observeResource(later.deps, ref)).toEqual(kind === "apply" ? apply : end);
      expect(later.written).toEqual(kind === "apply" ? [] : [{ to: "deleted" }]);
    });

    it.each([final, { ...transient, code: "VANISHED" }])(
      "is looked at again where its deletion failed ($code): that proves nothing of what is there",
      async (failure) => {
        const script = { work: workOf({ ...made, ...asked, kind: "delete" }), seen: { ...absent, failed: failure } };
        const first = reconciling({ ...script, absence: { seconds: 0, denied: false } });
        expect(await observeResource(first.deps, ref)).toMatchObject({ next: "wait" });
        expect(first.written).toEqual([]);
        const later = reconciling({ ...script, absence: { seconds: 3600, denied: false } });
        await observeResource(later.deps, ref);
        expect(later.written).toEqual([{ to: "deleted" }]);
      },
    );

    it.each(["apply", "delete"] as const)("is waited for by an %s while much else is denied, an hour", async (kind) => {
      for (const seconds of [0, staleSeconds, deniedSeconds - 1]) {
        const scene = missed(seconds, true, kind);
        expect(await observeResource(scene.deps, ref)).toEqual(end);
        expect(scene.written).toMatchObject([{ to: "wait", reason: { code: "PROVIDER_UNAVAILABLE" } }]);
        expect(scene.answers).toEqual(["answered"]);
      }
      const scene = missed(deniedSeconds, true, kind);
      expect(await observeResource(scene.deps, ref)).toEqual(kind === "apply" ? apply : end);
    });

    it("is looked at again before an attempt that has made it is given up", async () => {
      const vanishing: Observation = { ...absent, failed: { ...transient, code: "VANISHED" } };
      const script = { work: workOf(asked), seen: vanishing };
      const first = reconciling({ ...script, absence: { seconds: 0, denied: false } });
      expect(await observeResource(first.deps, ref)).toEqual({ next: "wait", seconds: staleSeconds });
      const later = reconciling({ ...script, absence: { seconds: staleSeconds, denied: false } });
      expect(await observeResource(later.deps, ref)).toEqual(end);
      expect(later.written).toMatchObject([{ to: "next-attempt" }]);
    });

    it.each<[string, Parameters<typeof reconciling>[0]]>([
      ["its own deletion has ended", { work: workOf({ ...made, ...asked, kind: "delete" }) }],
      ["reads of its provider are the truth", { work: workOf({ ...made, kind: "delete" }), consistent: true }],
    ])("is gone at once where %s", async (_reason, script) => {
      const scene = reconciling({ ...script, seen: absent, absence: { seconds: 0, denied: true } });
      await observeResource(scene.deps, ref);
      expect(scene.calls).toEqual(["work", "observe", "advance"]);
      expect(scene.written).toEqual([{ to: "deleted" }]);
    });

    it("is gone at once where nothing was ever asked for, as the store knows", async () => {
      const scene = reconciling({ work: workOf({ kind: "delete" }), seen: absent, absence: null });
      await observeResource(scene.deps, ref);
      expect(scene.calls).toEqual(["work", "observe", "absent", "advance"]);
      expect(scene.written).toEqual([{ to: "deleted" }]);
    });
  });

  it("starts what its end made startable", async () => {
    const scene = reconciling({ seen: ready, write: [next] });
    expect(await observeResource(scene.deps, ref)).toEqual({ next: "start", startable: [next] });
  });

  it.each<[string, Observation]>([
    ["READY", ready],
    ["a request it found", { ...progressing, request: "request-7" }],
    ["a wait", unknown],
  ])("ends when the lease was lost while it wrote %s", async (_what, seen) => {
    const scene = reconciling({ seen, write: "lost" });
    expect(await observeResource(scene.deps, ref)).toEqual(end);
  });

  it("leaves what a provider throws to the state machine, with nothing written", async () => {
    const scene = reconciling({ seen: new TypeError("a fault of the provider's code") });
    await expect(observeResource(scene.deps, ref)).rejects.toThrow(TypeError);
    expect(scene.written).toEqual([]);
  });

  it("keeps a reason short, whatever the provider says", async () => {
    const scene = reconciling({
      work: workOf(asked),
      seen: { ...absent, failed: { ...final, message: "x".repeat(5000) } },
    });
    await observeResource(scene.deps, ref);
    const [progress] = scene.written as (Progress & { to: "failed" })[];
    expect(progress?.reason.message).toHaveLength(1000);
  });

  it("gives the code of a look that no other look would better", async () => {
    const failure = { code: "LOOKUP_INCOMPLETE", message: "There are too many.", transient: false };
    const scene = reconciling({ seen: { state: "unknown", failure, retryAfterSeconds: null } });
    await observeResource(scene.deps, ref);
    expect(scene.written).toMatchObject([
      { to: "failed", reason: { code: "NEEDS_ATTENTION", message: failure.message, providerCode: failure.code } },
    ]);
  });

  it.each(["canary-1234", "Access Denied", "", "A".repeat(65), "<html>"])(
    "keeps no provider's code that is none: %j",
    async (code) => {
      const scene = reconciling({ work: workOf(asked), seen: { ...absent, failed: { ...final, code } } });
      await observeResource(scene.deps, ref);
      const [progress] = scene.written as (Progress & { to: "failed" })[];
      expect(progress?.reason).toEqual({ code: "PROVIDER_REJECTED", message: final.message, retryAt: null });
    },
  );

  it("makes every output text, so that a port may stand where text may", async () => {
    const outputs = { port: "${attributes.Port}", open: "${attributes.Open}", url: "db:${attributes.Port}" };
    const scene = reconciling({
      work: workOf({ definition: definitionOf("app", { outputs }) }),
      seen: { ...ready, attributes: { Port: 5432, Open: false } },
    });
    await observeResource(scene.deps, ref);
    expect(scene.written).toMatchObject([{ to: "ready", outputs: { port: "5432", open: "false", url: "db:5432" } }]);
  });

  it("takes nothing but the provider's attributes for outputs", async () => {
    const stolen = definitionOf("app", { outputs: { all: "${attributes.__proto__}" } });
    const scene = reconciling({ work: workOf({ definition: stolen }), seen: ready });
    await observeResource(scene.deps, ref);
    expect(scene.written).toMatchObject([failed("NEEDS_ATTENTION", true)]);
  });
});
