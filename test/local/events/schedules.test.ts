import { afterEach, describe, expect, it } from "vitest";
import { type Schedule, type ScheduledEvent, type Schedules, startSchedules } from "../../../local/events/schedules.ts";

type Call = { target: string; event: ScheduledEvent; at: number };

let open: Schedules[] = [];
afterEach(async () => {
  await Promise.all(open.map((schedules) => schedules.close(0)));
  open = [];
});

/** Schedules whose targets do what `behave` says, counting from 1. */
function start(schedules: { [name: string]: Schedule }, behave: (count: number) => unknown = () => {}) {
  const calls: Call[] = [];
  const lines: string[] = [];
  const run = (kind: string) => async (name: string, event: ScheduledEvent) => {
    calls.push({ target: `${kind} ${name}`, event, at: performance.now() });
    await behave(calls.length);
  };
  const started = startSchedules({
    schedules,
    invokeFunction: run("function"),
    startMachine: run("machine"),
    region: "eu-central-1",
    accountId: "000000000000",
    log: (line) => lines.push(line),
    retryDelaysMs: [10, 20],
  });
  open.push(started);
  return { schedules: started, calls, lines };
}
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const fail = () => {
  throw new Error("the target is down");
};

describe("a rule", () => {
  it("sends EventBridge's scheduled event to its function or its state machine", async () => {
    const { calls } = start({
      sweep: { periodSeconds: 0.05, target: { function: "sweep" } },
      drift: { periodSeconds: 0.05, target: { machine: "drift" } },
    });
    await expect
      .poll(() => new Set(calls.map(({ target }) => target)))
      .toEqual(new Set(["function sweep", "machine drift"]));
    const event = calls.find(({ target }) => target === "function sweep")?.event;
    expect(event).toEqual({
      version: "0",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      "detail-type": "Scheduled Event",
      source: "aws.events",
      account: "000000000000",
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/),
      region: "eu-central-1",
      resources: ["arn:aws:events:eu-central-1:000000000000:rule/sweep"],
      detail: {},
    });
  });

  it("runs first after one period, and then at a fixed rate, however long a run takes", async () => {
    const begun = performance.now();
    let ended = 0;
    const endedBefore: number[] = [];
    const { calls } = start({ sweep: { periodSeconds: 0.2, target: { function: "sweep" } } }, async () => {
      endedBefore.push(ended);
      await wait(300);
      ended += 1;
    });
    await expect.poll(() => calls.length, { timeout: 5000 }).toBe(2);
    expect((calls[0]?.at ?? 0) - begun).toBeGreaterThanOrEqual(198);
    expect(endedBefore).toEqual([0, 0]);
  });

  it("overlaps with itself twice at most, and says what it left out", async () => {
    const { calls, lines } = start({ sweep: { periodSeconds: 0.03, target: { function: "sweep" } } }, () =>
      wait(60_000),
    );
    await expect.poll(() => lines.length).toBeGreaterThan(2);
    expect(calls).toHaveLength(2);
    expect(lines[0]).toBe("rule sweep: left out, since 2 runs have not ended");
  });

  it("leaves out what it slept through instead of catching up", async () => {
    const { calls } = start({ sweep: { periodSeconds: 0.1, target: { function: "sweep" } } });
    await expect.poll(() => calls.length).toBe(1);
    const before = calls.length;
    const end = performance.now() + 550;
    while (performance.now() < end); // the process is blocked for five periods
    await wait(30);
    expect(calls.length - before).toBeLessThanOrEqual(2);
  });

  it("is tried three times with the same event when its target fails, and goes on with the next period", async () => {
    const { calls, lines } = start({ sweep: { periodSeconds: 0.25, target: { function: "sweep" } } }, (count) =>
      count <= 3 ? fail() : undefined,
    );
    await expect.poll(() => calls.length, { timeout: 5000 }).toBe(4);
    expect(new Set(calls.slice(0, 3).map(({ event }) => event.id)).size).toBe(1);
    expect(calls[3]?.event.id).not.toBe(calls[0]?.event.id);
    expect(lines).toEqual([
      "rule sweep: the target is down; again in 10 ms",
      "rule sweep: the target is down; again in 20 ms",
      "rule sweep: the target is down; given up",
    ]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2_147_484])(
    "is refused with a period of %s",
    (periodSeconds) => {
      expect(() => start({ sweep: { periodSeconds, target: { function: "sweep" } } })).toThrow(
        /^rule sweep: a period of/,
      );
    },
  );
});

describe("close", () => {
  it("starts nothing more and waits for what runs", async () => {
    let ended = false;
    const { schedules, calls } = start({ sweep: { periodSeconds: 0.05, target: { function: "sweep" } } }, async () => {
      await wait(200);
      ended = true;
    });
    await expect.poll(() => calls.length).toBe(1);
    await schedules.close();
    expect(ended).toBe(true);
    const after = calls.length;
    await wait(150);
    expect(calls).toHaveLength(after);
  });

  it("does not wait for ever, nor for a retry", async () => {
    const hung = start({ sweep: { periodSeconds: 0.02, target: { function: "sweep" } } }, () => wait(60_000));
    const failing = start({ sweep: { periodSeconds: 0.02, target: { function: "sweep" } } }, fail);
    await expect.poll(() => Math.min(hung.calls.length, failing.calls.length)).toBeGreaterThan(0);
    const begun = performance.now();
    await Promise.all([hung.schedules.close(100), failing.schedules.close(5000)]);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});
