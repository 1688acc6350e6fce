import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** What EventBridge sends when a scheduled rule is due. */
export type ScheduledEvent = {
  version: "0";
  id: string;
  "detail-type": "Scheduled Event";
  source: "aws.events";
  account: string;
  time: string;
  region: string;
  resources: [ruleArn: string];
  detail: Record<string, never>;
};

export type Target = { function: string } | { machine: string };
/** A rule with its period on this machine, in seconds. */
export type Schedule = { periodSeconds: number; target: Target };

export type SchedulesOptions = {
  schedules: { readonly [name: string]: Schedule };
  /** Runs a function with the event; a rejection is a failed delivery. */
  invokeFunction: (name: string, event: ScheduledEvent) => Promise<unknown>;
  /** Starts a state machine with the event as its input; a rejection is a failed delivery. */
  startMachine: (name: string, event: ScheduledEvent) => Promise<unknown>;
  region: string;
  accountId: string;
  /** One line for each delivery that failed or was left out. */
  log: (line: string) => void;
  /** Waits before a failed delivery is tried again. */
  retryDelaysMs?: readonly number[] | undefined;
};

export type Schedules = {
  /** Starts nothing more, and lets what runs finish within `graceMs`. */
  close(graceMs?: number): Promise<void>;
};

/** Deliveries of one rule at the same time. AWS sets no such limit; here a target that hangs must not pile up. */
const maxAtOnce = 2;
/** The longest a Node timer waits, in seconds. */
const longestTimer = 2_147_483;

/**
 * Runs each rule once a period, the first time after one period, at a fixed rate: a slow run delays nothing, and periods
 * that this process slept through are left out. As on AWS runs of a rule may overlap, here two at most.
 */
export function startSchedules(options: SchedulesOptions): Schedules {
  const { schedules, region, accountId, log, retryDelaysMs = [1000, 2000] } = options;
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  const timers = new Map<string, NodeJS.Timeout>();
  const rules = Object.entries(schedules).map(([name, { periodSeconds, target }]) => ({
    name,
    target,
    periodMs: checkedPeriod(name, periodSeconds) * 1000,
    atOnce: 0,
  }));
  for (const rule of rules) plan(rule, performance.now() + rule.periodMs);
  return { close };

  function plan(rule: (typeof rules)[number], due: number): void {
    const fire = () => {
      const sleptThrough = Math.max(0, Math.floor((performance.now() - due) / rule.periodMs));
      plan(rule, due + (sleptThrough + 1) * rule.periodMs);
      if (rule.atOnce >= maxAtOnce) return log(`rule ${rule.name}: left out, since ${rule.atOnce} runs have not ended`);
      rule.atOnce += 1;
      const run = deliver(rule.name, rule.target).finally(() => {
        rule.atOnce -= 1;
        running.delete(run);
      });
      running.add(run);
    };
    timers.set(rule.name, setTimeout(fire, Math.max(0, due - performance.now())));
  }

  async function deliver(name: string, target: Target): Promise<void> {
    const event = scheduledEvent(name, region, accountId);
    for (const delay of [...retryDelaysMs, null]) {
      try {
        await ("function" in target
          ? options.invokeFunction(target.function, event)
          : options.startMachine(target.machine, event));
        return;
      } catch (error) {
        const next = delay === null || closing.signal.aborted ? "given up" : `again in ${delay} ms`;
        log(`rule ${name}: ${error instanceof Error ? error.message : String(error)}; ${next}`);
        if (delay === null || !(await waited(delay))) return;
      }
    }
  }

  /** False when it was closed meanwhile. */
  function waited(ms: number): Promise<boolean> {
    return sleep(ms, true, { signal: closing.signal }).catch(() => false);
  }

  async function close(graceMs = 5000): Promise<void> {
    closing.abort();
    for (const timer of timers.values()) clearTimeout(timer);
    const ended = new AbortController();
    const grace = sleep(graceMs, undefined, { signal: ended.signal }).catch(() => {});
    await Promise.race([Promise.all(running), grace]);
    ended.abort();
  }
}

function scheduledEvent(name: string, region: string, accountId: string): ScheduledEvent {
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: accountId,
    time: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    region,
    resources: [`arn:aws:events:${region}:${accountId}:rule/${name}`],
    detail: {},
  };
}

function checkedPeriod(name: string, seconds: number): number {
  if (Number.isFinite(seconds) && seconds > 0 && seconds <= longestTimer) return seconds;
  throw new RangeError(`rule ${name}: a period of ${seconds} s is not between 0 and ${longestTimer}`);
}
