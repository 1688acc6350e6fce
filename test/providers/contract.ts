import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Json } from "../../core/json.ts";
import type { Provider, ProviderCall } from "../../core/provider.ts";
import type { Fault, Network } from "../support/fault-proxy.ts";
import { converge } from "./converge.ts";

/** A provider with its real servers behind a network that can fail. */
export type Stage = {
  provider: Provider;
  network: Network;
  /** A resource that nobody has asked for yet. */
  newCall(): ProviderCall;
  /** Live external objects that bear the resource's name, as the servers themselves say. */
  count(call: ProviderCall): Promise<number>;
  /** Changes the object behind the provider's back; says which pointers must be found. */
  meddle(call: ProviderCall): Promise<string[]>;
  /** Makes an object of this name that belongs to somebody else; `look` shows whether anybody touched it. */
  occupy(call: ProviderCall): Promise<{ identifier: string; look: () => Promise<unknown> }>;
  /** A property of `newCall` that need not be asked for, and what the servers themselves say it is. */
  optional: { property: string; look(call: ProviderCall): Promise<Json> };
  attributes: string[];
  stop(): Promise<void>;
};

/** The sweeps make some twenty objects each; a machine that runs eight things at once needs its time. */
const sweepMs = 90_000;

/** What every provider keeps, whatever cloud it speaks to (laws F2, F6, F7, F14). */
export function providerContract(name: string, start: () => Promise<Stage>): void {
  describe(`the ${name} provider`, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await start();
    });
    afterAll(() => stage.stop());
    beforeEach(() => stage.network.reset());

    const ready = (call: ProviderCall) => converge(stage.provider, call, "ready");
    const absent = (call: ProviderCall) => converge(stage.provider, call, "absent");

    test("makes what is absent, says where it is, and takes it away again", async () => {
      const call = stage.newCall();
      expect(await stage.provider.observe(call)).toEqual({ state: "absent" });
      const made = await ready(call);
      expect(made.last).toMatchObject({ state: "ready", identifier: expect.any(String) });
      if (made.last.state === "ready")
        expect(Object.keys(made.last.attributes)).toEqual(expect.arrayContaining(stage.attributes));
      expect(await stage.count(call)).toBe(1);

      await absent(afresh(made.call));
      expect(await stage.count(call)).toBe(0);
    });

    test("is asked twice and makes one", async () => {
      const call = stage.newCall();
      const { call: made, last } = await ready(call);
      const identifier = last.state === "ready" ? last.identifier : "";
      expect(await stage.provider.apply(made, { state: "absent" })).toMatchObject({ outcome: "accepted" });
      expect(await stage.provider.apply(made, { state: "drifted", identifier })).toMatchObject({ outcome: "accepted" });
      expect((await ready(made)).last.state).toBe("ready");
      expect(await stage.count(call)).toBe(1);
      await absent(afresh(made));
    });

    test("is told twice to take it away", async () => {
      const { call, last } = await ready(stage.newCall());
      const identifier = last.state === "ready" ? last.identifier : "";
      await absent(afresh(call));
      expect(await stage.provider.destroy(afresh(call), { identifier })).toMatchObject({ outcome: "accepted" });
      expect(await stage.provider.observe(afresh(call))).toMatchObject({ state: "absent" });
    });

    test("sees what was changed behind its back, exactly, and mends it", async () => {
      const { call } = await ready(stage.newCall());
      const pointers = await stage.meddle(call);
      const seen = await stage.provider.observe(afresh(call));
      expect(seen).toMatchObject({ state: "drifted" });
      if (seen.state === "drifted")
        expect(seen.differences.map(({ pointer }) => pointer).sort()).toEqual([...pointers].sort());
      expect((await ready(afresh(call))).last.state).toBe("ready");
      await absent(afresh(call));
    });

    test(
      "takes back what is no longer asked for, whichever answer is lost, and is ready with what the cloud makes of it",
      async () => {
        const { property, look } = stage.optional;
        for (let broken = 1; ; broken += 1) {
          const { call } = await ready(stage.newCall());
          const { [property]: asked, ...desired } = call.desired;
          expect(await look(call)).toEqual(asked);
          const narrower = { ...afresh(call), desired, applied: [call.desired] };
          expect(await stage.provider.observe(narrower)).toMatchObject({ state: "drifted" });
          stage.network.reset((nth) => (nth === broken ? "drop-after" : null));
          const { call: taken } = await ready(narrower);
          const calls = stage.network.calls.length;
          stage.network.reset();
          expect(await look(taken), `call ${broken} of ${calls}`).not.toEqual(asked);
          expect(await stage.provider.observe({ ...afresh(taken), applied: [desired] })).toMatchObject({
            state: "ready",
          });
          await absent(afresh(taken));
          if (calls < broken) break;
        }
      },
      sweepMs,
    );

    // An error page or a refusal on the way is a `drop-before` with other words: those have a test of their own below.
    test.each<Fault>(["drop-before", "drop-after"])(
      "makes one object whichever call meets %s",
      async (fault) => {
        for (let broken = 1; ; broken += 1) {
          const call = stage.newCall();
          stage.network.reset((nth) => (nth === broken ? fault : null));
          const made = await ready(call);
          const calls = stage.network.calls.length;
          stage.network.reset();
          expect(await stage.count(call), `call ${broken} of ${calls}`).toBe(1);
          await absent(afresh(made.call));
          if (calls < broken) break;
        }
      },
      sweepMs,
    );

    test(
      "takes it away whichever answer is lost",
      async () => {
        for (let broken = 1; ; broken += 1) {
          const { call } = await ready(stage.newCall());
          stage.network.reset((nth) => (nth === broken ? "drop-after" : null));
          await absent(afresh(call));
          const calls = stage.network.calls.length;
          stage.network.reset();
          expect(await stage.count(call), `call ${broken} of ${calls}`).toBe(0);
          if (calls < broken) break;
        }
      },
      sweepMs,
    );

    test("goes on after a refusal of any kind", async () => {
      const call = stage.newCall();
      const faults: Fault[] = ["throttle", "unavailable"];
      stage.network.reset((nth) => faults[nth - 3] ?? null);
      const made = await ready(call);
      stage.network.reset();
      expect(await stage.count(call)).toBe(1);
      await absent(afresh(made.call));
    });

    test("calls throttled what was refused for its rate, and nothing else: a breaker counts it", async () => {
      const { call, last } = await ready(stage.newCall());
      const identifier = last.state === "ready" ? last.identifier : "";
      for (const [fault, outcome] of [
        ["throttle", "throttled"],
        ["unavailable", "unknown"],
        ["drop-before", "unknown"],
      ] as const) {
        stage.network.reset(() => fault);
        const changed = await stage.provider.apply(afresh(call), { state: "drifted", identifier });
        const removed = await stage.provider.destroy(afresh(call), { identifier });
        expect([changed.outcome, removed.outcome], fault).toEqual([outcome, outcome]);
      }
      stage.network.reset();
      await absent(afresh(call));
    });

    test("says that it does not know when nobody answers, and within its deadline", async () => {
      const call = stage.newCall();
      stage.network.reset(() => "hang");
      const deadline = () => ({ ...call, signal: AbortSignal.timeout(100) });
      expect(await stage.provider.observe(deadline())).toMatchObject({
        state: "unknown",
        failure: { transient: true },
      });
      expect(await stage.provider.apply(deadline(), { state: "absent" })).toMatchObject({ outcome: "unknown" });
      expect(await stage.provider.destroy(deadline(), { identifier: call.externalName })).toMatchObject({
        outcome: "unknown",
      });
    });

    test("takes a refused look for no look at all", async () => {
      const { call } = await ready(stage.newCall());
      for (const fault of ["throttle", "unavailable", "drop-before"] as const) {
        stage.network.reset(() => fault);
        expect(await stage.provider.observe(call), fault).toMatchObject({
          state: "unknown",
          failure: { transient: true },
        });
      }
      stage.network.reset();
      await absent(afresh(call));
    });

    test("leaves somebody else's object of the same name alone", async () => {
      const call = stage.newCall();
      const { identifier, look } = await stage.occupy(call);
      const before = await look();
      expect(await stage.provider.observe(call)).toMatchObject({
        state: "unknown",
        failure: { code: "NOT_OURS", transient: false },
      });
      expect(await stage.provider.apply(call, { state: "drifted", identifier })).toMatchObject({
        outcome: "rejected",
        failure: { transient: false },
      });
      expect(await look()).toEqual(before);
    });
  });
}

/** The next operation on the same resource: another token, no request under way. */
export function afresh(call: ProviderCall): ProviderCall {
  return { ...call, token: randomUUID(), tokenAgeSeconds: null, request: null, signal: AbortSignal.timeout(10_000) };
}
