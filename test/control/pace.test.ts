import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { paceOf, pauseSeconds } from "../../control/pace.ts";

const lease = fc.double({ min: 3, max: 3600, noNaN: true });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("a pace", () => {
  it("leaves a worker time to show itself before its lease ends: after a call, a pause comes, then the next call", () => {
    fc.assert(
      fc.property(lease, (seconds) => {
        const pace = paceOf(seconds);
        expect(pace.providerSeconds + pace.maxWaitSeconds).toBeLessThan(pace.leaseSeconds);
        expect(Number.isInteger(pace.maxWaitSeconds), "Step Functions waits whole seconds").toBe(true);
        expect(pace.maxWaitSeconds).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it.each([2.9, 0, -1, Number.NaN])("of a lease of %d s is refused", (seconds) =>
    expect(() => paceOf(seconds)).toThrow("too short"),
  );
});

describe("a pause", () => {
  it("is at least a second and at most the cap, which doubles with each try and ends at the longest pause", () => {
    fc.assert(
      fc.property(lease, fc.nat({ max: 10_000 }), random, (seconds, tries, chance) => {
        const pace = paceOf(seconds);
        const pause = pauseSeconds(pace, tries, () => chance);
        expect(pause).toBeGreaterThanOrEqual(1);
        expect(pause).toBeLessThanOrEqual(Math.min(pace.maxPauseSeconds, 2 ** (Math.min(tries, 100) + 2)));
      }),
    );
  });

  it("uses all of the room there is, so that a storm spreads", () => {
    const pace = paceOf(60);
    expect([0, 1, 2, 3, 4, 50].map((tries) => pauseSeconds(pace, tries, () => 0))).toEqual([1, 1, 1, 1, 1, 1]);
    const longest = [0, 1, 2, 3, 4, 50].map((tries) => Math.round(pauseSeconds(pace, tries, () => 1 - 1e-9)));
    expect(longest).toEqual([4, 8, 16, 32, 60, 60]);
  });
});
