import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import type { OperationRef, Progress, Work } from "../../core/operation.ts";
import type { Acceptance } from "../../core/store.ts";
import { definitionOf } from "../control/inputs.ts";
import { createTestStore, type TestStore } from "../support/store.ts";

const caller = { subject: "ada", role: "developer", team: "payments" } as const;
const failure = { code: "PROVIDER_REJECTED", message: "No.", retryAt: null } as const;

describe("what was applied is kept until the next READY", () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await createTestStore();
    await store.api.putTeam("platform", { ...caller, role: "platform" }, "payments", { name: null, contact: null });
  });
  afterAll(() => store?.close());

  /** A resource of its own, and how to give it another generation. */
  function resource() {
    const resourceId = randomUUID();
    const name = `r${resourceId.slice(0, 8)}`;
    let generation = 0;
    return async (properties: JsonObject): Promise<OperationRef> => {
      const acceptance = acceptanceOf(resourceId, name, generation, properties);
      expect(await store.api.acceptIntent(acceptance)).toMatchObject({ outcome: "accepted" });
      generation += 1;
      const ref = { team: "payments", operation: acceptance.changes[0]?.operationId ?? "", epoch: 1 };
      expect(await store.worker.claim(ref, 60)).toEqual({ outcome: "claimed" });
      return ref;
    };
  }
  const work = async (ref: OperationRef): Promise<Work> => {
    const found = await store.worker.work(ref, 60);
    if (found === null) throw new Error("the lease is lost");
    return found;
  };
  const send = (ref: OperationRef) => store.worker.workToSend(ref, 60, "hash of the values", false);
  const advance = async (ref: OperationRef, progress: Progress) =>
    expect(await store.worker.advance(ref, progress)).toMatchObject({ outcome: "written" });
  const ready = (ref: OperationRef) => advance(ref, { to: "ready", identifier: "it", outputs: {} });

  test("a first generation has nothing to take back", async () => {
    const ref = await resource()({ Name: "a", Versioned: true });
    expect((await work(ref)).applied).toEqual([]);
  });

  test("the next one is given what it leaves out, and objects it changes, and nothing else", async () => {
    const apply = resource();
    await ready(await apply({ Name: "a", Size: 1, Versioned: true, Rules: [{ Days: 3, Id: "x" }], Same: { a: 1 } }));
    const ref = await apply({ Name: "a", Size: 2, Rules: [{ Id: "x" }], Same: { a: 1 } });
    expect((await work(ref)).applied).toEqual([{ Versioned: true, Rules: [{ Days: 3, Id: "x" }] }]);
    expect((await send(ref))?.applied).toEqual([{ Versioned: true, Rules: [{ Days: 3, Id: "x" }] }]);
  });

  test("READY forgets what was before it", async () => {
    const apply = resource();
    await ready(await apply({ Name: "a", Versioned: true }));
    await ready(await apply({ Name: "a" }));
    expect((await work(await apply({ Name: "a", Other: 1 }))).applied).toEqual([]);
  });

  test("what failed after the provider was asked may be there in part", async () => {
    const apply = resource();
    await ready(await apply({ Name: "a", Versioned: true }));
    const failing = await apply({ Name: "a", Versioned: true, Logged: true });
    await send(failing);
    await advance(failing, { to: "failed", reason: failure, proven: true });
    expect((await work(await apply({ Name: "a" }))).applied).toEqual([
      { Versioned: true },
      { Versioned: true, Logged: true },
    ]);
  });

  test("what failed before the provider was asked is not there", async () => {
    const apply = resource();
    await advance(await apply({ Name: "a", Logged: true }), { to: "failed", reason: failure, proven: false });
    expect((await work(await apply({ Name: "a" }))).applied).toEqual([]);
  });

  test("a generation that was overtaken after a failed attempt may be there too", async () => {
    const apply = resource();
    const first = await apply({ Name: "a", Logged: true });
    await send(first);
    await advance(first, { to: "next-attempt", reason: failure, delaySeconds: 60 });
    expect((await work(await apply({ Name: "a" }))).applied).toEqual([{ Logged: true }]);
  });

  test("the last READY's and the three latest failures are kept", async () => {
    const apply = resource();
    await ready(await apply({ Name: "a", Ready: true }));
    for (const n of [1, 2, 3, 4, 5]) {
      const failing = await apply({ Name: "a", [`Failed${n}`]: true });
      await send(failing);
      await advance(failing, { to: "failed", reason: failure, proven: true });
    }
    const { applied } = await work(await apply({ Name: "a" }));
    expect(applied.flatMap(Object.keys)).toEqual(["Ready", "Failed3", "Failed4", "Failed5"]);
  });

  test("a row stays below the Data API's 64 KB, the last READY's first", async () => {
    const apply = resource();
    const large = "x".repeat(20_000);
    await ready(await apply({ Name: "a", Small: "s", One: large }));
    const failing = await apply({ Name: "a", Two: large });
    await send(failing);
    await advance(failing, { to: "failed", reason: failure, proven: true });
    const { applied } = await work(await apply({ Name: "a", Three: "x".repeat(30_000) }));
    expect(applied).toEqual([{ Small: "s", One: large }]);
  });

  describe.each(["DeletionProtection", "DeletionProtectionEnabled"])(
    "whether a provider may refuse a delete for its %s",
    (property) => {
      const [held, lifted] = [{ [property]: true }, { [property]: false }];
      const heldOutside = async ({ operation }: OperationRef) => {
        const place = { team: "payments", service: "orders", environment: "staging" };
        const { resources } = await store.api.intentContext({ team: "payments" }, { ...place, names: null, key: null });
        return resources.find((known) => known.operation?.id === operation)?.heldOutside;
      };
      const fail = (ref: OperationRef) => advance(ref, { to: "failed", reason: failure, proven: true });

      test("is told by what it was given last, and by a lift only when that is READY", async () => {
        const apply = resource();
        await ready(await apply(held));
        const failing = await apply(lifted);
        expect(await heldOutside(failing)).toBe(true);
        await send(failing);
        expect(await heldOutside(failing)).toBe(true);
        await fail(failing);
        expect(await heldOutside(failing)).toBe(true);
        const lift = await apply(lifted);
        await ready(lift);
        expect(await heldOutside(lift)).toBe(false);
      });

      test("is no for one that never had it, whatever is under way or has failed", async () => {
        const apply = resource();
        const first = await apply(lifted);
        await send(first);
        expect(await heldOutside(first)).toBe(false);
        await ready(first);
        const update = await apply({ ...lifted, Logged: true });
        await send(update);
        expect(await heldOutside(update)).toBe(false);
        await fail(update);
        expect(await heldOutside(update)).toBe(false);
      });

      test("is yes while a create with it is being sent, and no when that has made nothing", async () => {
        const ref = await resource()(held);
        expect(await heldOutside(ref)).toBe(false);
        await send(ref);
        expect(await heldOutside(ref)).toBe(true);
        await fail(ref);
        expect(await heldOutside(ref)).toBe(false);
      });
    },
  );
});

function acceptanceOf(resourceId: string, name: string, generation: number, properties: JsonObject): Acceptance {
  const definition = definitionOf(name, { properties });
  const place = { team: "payments", service: "orders", environment: "staging" };
  const intentId = newId();
  return {
    scope: { team: "payments" },
    caller,
    intentId,
    intent: { action: "apply", ...place, resources: { [name]: { type: "bucket" } } },
    key: randomUUID(),
    requestHash: "hash",
    decision: {
      id: newId(),
      policyRevision: "1",
      wasmHash: "wasm",
      inputHash: "input",
      definitionHashes: {},
      violations: [],
      warnings: [],
    },
    changes: [
      {
        resourceId,
        name,
        type: "bucket",
        change: generation === 0 ? "create" : "update",
        expectedGeneration: generation,
        operationId: newId(),
        definition,
        definitionHash: "hash",
        dependsOn: [],
      },
    ],
    expectedVersion: null,
    response: {
      id: intentId,
      status: "PENDING",
      action: "apply",
      ...place,
      decision: { id: "", warnings: [] },
      resources: [],
    },
  };
}

/** A UUIDv7: tables are partitioned by the time in it. */
function newId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
