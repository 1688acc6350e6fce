import type { AcceptOutcome } from "../../control/accept-intent.ts";
import { type FunctionName, functions, schedules } from "../../functions/manifest.ts";
import type { Bug } from "./bug.ts";
import { callError } from "./call-error.ts";
import type { Checker } from "./checker.ts";
import { arrives, type Delivery, errorOf } from "./delivery.ts";
import { type Execution, failed, startExecution, step, succeeded, waited } from "./machine.ts";
import { type Ports, portsOf, type Wires } from "./ports.ts";
import type { Random } from "./random.ts";
import { type ApiRequest, describe, perform } from "./requests.ts";
import type { Held, Point, Run } from "./run.ts";
import type { Sides } from "./sides.ts";
import type { SimStore } from "./store.ts";
import { pace, tasks, useCases } from "./tasks.ts";
import { inRun } from "./timers.ts";
import { deliveryIn } from "./weather.ts";

export type Ending = "error" | "vanish";
export type World = ReturnType<typeof createWorld>;

const { providerSeconds, unansweredSeconds } = pace;
const unansweredMs = (providerSeconds + unansweredSeconds) * 1000 - 500;
const sweepMs = (schedules.sweep?.rateMinutes ?? 1) * 60_000;
const driftMs = (schedules.drift?.rateMinutes ?? 15) * 60_000;

/** Everything that runs, held at its await points. Nothing here decides: `schedule.ts` does. */
export function createWorld(options: {
  store: SimStore;
  sides: Sides;
  clock: { now: number };
  random: Random;
  checker: Checker;
  trace: (line: string) => void;
  bug: Bug;
}) {
  const { store, sides, clock, random, checker, trace, bug } = options;
  const use = { ...useCases, ...bug.use };
  const runs: Run[] = [];
  const held = new Map<string, Held>();
  const requests: ApiRequest[] = [];
  const late: { at: number; perform: () => Promise<unknown>; label: string }[] = [];
  let made = 0;
  let nextSweep = clock.now + sweepMs;
  let nextDrift = clock.now + driftMs;
  let driftRuns = 0;
  /** The database fails over: until then it answers nobody. */
  let databaseAwayUntil = 0;
  /** How long after it was made a late call may arrive, at least and at most, in milliseconds. */
  let lateness = { least: 0, most: providerSeconds * 900 };

  const wires: Wires = {
    ...{ store, sides, checker, clock, random, bug, gate, sleep, newId },
    start: (run) => ({
      start: (machine, name, input) =>
        gate(run, { port: "start", label: `start ${name.slice(-14)}`, at: null }, async () =>
          begin(machine, name, input),
        ),
    }),
  };

  function gate<T>(
    run: Run,
    { port, label, at, cutOff }: Pick<Point, "port" | "label" | "at" | "cutOff">,
    work: () => Promise<T>,
  ): Promise<T> {
    // What is dead asks nothing and hears nothing.
    if (run.state === "dead") return new Promise(() => {});
    if (at !== null) checker.beforeCall(run, label, at);
    return new Promise<T>((resolve, reject) => {
      const answers = { resolve: resolve as Point["resolve"], reject };
      run.points.push({ run, port, label, at, cutOff, perform: work, ...answers, hangsUntil: null });
    });
  }

  function sleep(run: Run, milliseconds: number): Promise<void> {
    return new Promise((resolve) => run.timers.push({ at: clock.now + milliseconds, fire: resolve }));
  }

  /** A UUIDv7 of the schedule's clock. */
  function newId(): string {
    made += 1;
    const time = clock.now.toString(16).padStart(12, "0");
    const count = made.toString(16).padStart(6, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count.slice(0, 3)}-8${count.slice(3)}-${random.hex(12)}`;
  }

  function launch(what: string, task: FunctionName, more: Partial<Run>, work: (ports: Ports) => Promise<unknown>): Run {
    const started: Run = {
      ...{ id: runs.length + 1, what, operation: null, startedAt: clock.now, points: [], timers: [] },
      ...{ state: "running", held: null, request: null, failed: new Set() },
      deadline: clock.now + functions[task].timeoutSeconds * 1000,
      ...more,
    };
    runs.push(started);
    if (started.held !== null) started.held.run = started;
    inRun(started, () => work(portsOf(wires, started))).then(
      (result) => finish(started, { ok: true, result }),
      (error: Error) => finish(started, { ok: false, error }),
    );
    return started;
  }

  function finish(run: Run, end: { ok: true; result: unknown } | { ok: false; error: Error }): void {
    if (run.state !== "running") return;
    run.state = "ended";
    trace(`  run ${run.id} ${run.what} ended: ${end.ok ? JSON.stringify(end.result)?.slice(0, 160) : end.error.name}`);
    if (run.request !== null) {
      run.request.run = null;
      if (end.ok) checker.afterAnswer(run.request, end.result as AcceptOutcome);
    }
    if (!end.ok && !expected.has(end.error.name)) checker.report("ERROR", `${run.what} threw ${end.error.stack}`);
    settle(run, end.ok ? { result: end.result } : { error: end.error.name });
  }

  /** The execution learns what became of its task. */
  function settle(run: Run, end: { result: unknown } | { error: string }): void {
    const { held: holder } = run;
    run.held = null;
    if (holder === null || holder.run !== run || holder.execution.status !== "RUNNING") return;
    holder.run = null;
    if ("error" in end) {
      const seconds = failed(holder.execution, end.error, random.next);
      if (seconds !== null) {
        holder.resumeAt = clock.now + Math.round(seconds * 1000);
        return;
      }
    } else succeeded(holder.execution, end.result);
    pump(holder);
  }

  function pump(holder: Held): void {
    const { execution } = holder;
    if (execution.status !== "RUNNING") return;
    const next = step(execution);
    if (next.does === "wait") holder.resumeAt = clock.now + next.seconds * 1000;
    if (next.does !== "call") return;
    const task = tasks[next.task];
    if (task === undefined) throw new Error(`no task ${next.task}`);
    const { operation, epoch, run } = next.input as { operation?: string; epoch?: number; run?: string };
    const what = `${next.task}(${(operation ?? run ?? "").slice(-4)}${epoch === undefined ? "" : ` e${epoch}`})`;
    launch(what, next.task, { held: holder, operation: operation ?? null }, (ports) => task(ports, next.input, use));
  }

  function begin(machine: Execution["machine"], name: string, input: object): "started" | "exists" {
    const known = held.get(name);
    if (known !== undefined) return known.execution.status === "RUNNING" ? "started" : "exists";
    const holder: Held = { execution: startExecution(machine, name, input), run: null, resumeAt: null };
    held.set(name, holder);
    pump(holder);
    return "started";
  }

  /** Lets what can run without a decision run: until every run stands at a point or has ended. */
  const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

  function kill(run: Run, ending: Ending): void {
    run.state = "dead";
    run.points = [];
    run.timers = [];
    if (run.request !== null) run.request.run = null;
    const { held: holder } = run;
    if (holder !== null && ending === "vanish") {
      holder.execution.status = "ABORTED";
      holder.run = null;
      run.held = null;
    } else settle(run, { error: "Runtime.ExitError" });
  }

  /** What becomes of a call that the schedule lets happen: there may be a storm, and the database may be away. */
  function weathered({ port, at }: Point): Delivery {
    if (port === "store" && databaseAwayUntil > clock.now) return "refused";
    return at === null ? "ok" : deliveryIn(at.side.storm, at.service, clock.now, random);
  }

  async function deliver(point: Point, asked: Delivery, ending: Ending = "error"): Promise<void> {
    const { run, port, label } = point;
    const how = asked === "ok" ? weathered(point) : asked;
    const crash = how.startsWith("crash") ? ` ${ending}` : "";
    trace(`run ${run.id} ${run.what}: ${port} ${label}${how === "ok" ? "" : ` [${how}${crash}]`}`);
    if (arrives.has(how)) await point.perform().catch(() => undefined);
    if (how === "before" || how === "hang-before" || how === "crash-before") point.cutOff?.();
    if (how === "hang-before" || how === "hang-after" || how === "late") {
      if (how === "late") {
        // Without tokens there is no telling a call that is hours late: such a provider's are over when nobody answers any more.
        const limit = point.at?.side.provider === "postgres" ? unansweredMs : Number.POSITIVE_INFINITY;
        const [least, most] = [Math.min(lateness.least, limit), Math.min(lateness.most, limit)];
        late.push({ at: clock.now + least + random.below(most - least + 1), perform: point.perform, label });
      }
      point.hangsUntil = clock.now + providerSeconds * 1000;
      return;
    }
    run.points = run.points.filter((one) => one !== point);
    if (how === "ok") await point.perform().then(point.resolve, point.reject);
    else if (how === "crash-before" || how === "crash-after") kill(run, ending);
    else lose(point, errorOf(port, how, random));
    await drain();
  }

  function lose(point: Point, error: Error): void {
    if (point.port === "provider") checker.afterLoss(point.run, point.label);
    point.reject(error);
  }

  /** Moves the clock, and with it everything that was waiting for it. */
  async function advance(to: number): Promise<void> {
    const end = Math.max(clock.now, to);
    // At their own time, however far the clock goes: a day and a half later a cloud has forgotten their tokens.
    for (const one of late.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)) {
      clock.now = Math.max(clock.now, one.at);
      sides.tick();
      late.splice(late.indexOf(one), 1);
      trace(`  a late call arrives: ${one.label}`);
      await one.perform().catch(() => undefined);
    }
    clock.now = end;
    sides.tick();
    for (const run of runs) {
      if (run.state !== "running") continue;
      for (const point of run.points.filter(({ hangsUntil }) => hangsUntil !== null && hangsUntil <= clock.now)) {
        run.points = run.points.filter((one) => one !== point);
        lose(point, callError("TimeoutError", null));
      }
      const due = run.timers.filter(({ at }) => at <= clock.now);
      run.timers = run.timers.filter(({ at }) => at > clock.now);
      for (const { fire } of due) fire();
    }
    await drain();
    for (const run of runs.filter(({ state, deadline }) => state === "running" && deadline <= clock.now)) {
      trace(`  run ${run.id} ${run.what} is killed by its function's timeout`);
      kill(run, "error");
    }
    for (const holder of held.values()) {
      if (holder.resumeAt === null || holder.resumeAt > clock.now || holder.execution.status !== "RUNNING") continue;
      holder.resumeAt = null;
      if (step(holder.execution).does === "wait") waited(holder.execution);
      pump(holder);
    }
    if (nextSweep <= clock.now) {
      nextSweep = clock.now + sweepMs;
      sweepNow();
    }
    if (nextDrift <= clock.now) {
      nextDrift = clock.now + driftMs;
      driftRuns += 1;
      begin("drift", `drift-${driftRuns}`, {});
    }
    await drain();
  }

  function sweepNow(): void {
    const { sweep } = tasks;
    if (sweep !== undefined) launch("sweep", "sweep", {}, (ports) => sweep(ports, {}, use));
  }

  const alive = () => runs.filter(({ state }) => state === "running");
  const running = () => [...held.values()].filter(({ execution }) => execution.status === "RUNNING");

  return {
    clock,
    runs,
    requests,
    deliver,
    advance,
    drain,
    sweepNow,
    say: trace,
    set lateness(range: { least: number; most: number }) {
      lateness = range;
    },
    databaseComesBack(): void {
      databaseAwayUntil = clock.now;
    },
    points: () => alive().flatMap((run) => run.points.filter(({ hangsUntil }) => hangsUntil === null)),
    /** When the clock has to be moved to, at the latest, for something to go on. */
    nextEvent(): number {
      let next = Math.min(nextSweep, sides.nextChange());
      for (const { at } of late) next = Math.min(next, at);
      for (const { resumeAt } of running()) next = Math.min(next, resumeAt ?? next);
      for (const run of alive()) {
        for (const { hangsUntil } of run.points) next = Math.min(next, hangsUntil ?? next);
        for (const { at } of run.timers) next = Math.min(next, at);
      }
      return Math.max(clock.now + 1, next);
    },
    busy: () => alive().length > 0 || late.length > 0 || running().length > 0,
    /** A request of a caller, or the same one again while its answer is not known. */
    async send(request: ApiRequest): Promise<void> {
      if (!requests.includes(request)) requests.push(request);
      request.run = launch(`api ${describe(request)}`, "api", { request }, (ports) => perform(ports, use, request));
      await drain();
    },
    /** The database goes away for a while: each statement that is under way is lost before its commit or after it. */
    async failover(seconds: number): Promise<void> {
      trace(`the database fails over, for ${seconds} s`);
      const pending = alive().flatMap(({ points }) => points.filter(({ port }) => port === "store"));
      for (const point of pending) await deliver(point, random.chance(0.5) ? "before" : "after");
      databaseAwayUntil = clock.now + seconds * 1000;
    },
    /** The invocation goes on, but its answer will not arrive: Step Functions calls the function again. */
    async forget(run: Run): Promise<void> {
      settle(run, { error: "Lambda.ServiceException" });
      await drain();
    },
    /** A start that was made before arrives once more. */
    async startAgain(name: string): Promise<void> {
      const known = held.get(name);
      if (known !== undefined) begin(known.execution.machine, name, known.execution.data);
      await drain();
    },
    names: () => [...held.keys()],
    forgettable: () => alive().filter(({ held: holder }) => holder !== null),
  };
}

/** What a task or a request may end with; anything else is a bug, whatever becomes of it. */
const expected = new Set(["StoreUnavailable", "OperationLost", "ThrottlingException"]);
