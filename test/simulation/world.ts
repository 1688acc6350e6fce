import type { AcceptOutcome } from "../../control/accept-intent.ts";
import type { Caller } from "../../core/caller.ts";
import type { Intent } from "../../core/intent.ts";
import { createApiStore } from "../../database/api-store.ts";
import { type Database, type SqlParameters, StoreUnavailable } from "../../database/data-api.ts";
import { driftWorkerQueries } from "../../database/drift.ts";
import { operationQueries } from "../../database/operations.ts";
import { type FunctionName, functions } from "../../functions/manifest.ts";
import { createAwsProvider } from "../../providers/aws/aws-provider.ts";
import type { Checker } from "./checker.ts";
import { clientOver, cloudError, type SimCloud } from "./cloud.ts";
import { goldenPaths, policy, schemaOf } from "./kinds.ts";
import { type Execution, failed, startExecution, step, succeeded, waited } from "./machine.ts";
import type { Random } from "./random.ts";
import type { SimStore, StoreRole } from "./store.ts";
import { leaseSeconds, type Ports, tasks, type UseCases } from "./tasks.ts";

/** Where a run stands still: it has called a port, and the schedule decides what becomes of the call. */
export type Point = {
  run: Run;
  port: "store" | "cloud" | "start";
  label: string;
  perform(): Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: Error): void;
  /** A call without an answer: when its deadline ends it. */
  hangsUntil: number | null;
};

/** One invocation of a function. */
export type Run = {
  id: number;
  what: string;
  deadline: number;
  points: Point[];
  state: "running" | "ended" | "dead";
  /** The execution that waits for it; null for the API, the sweep, and what was given up while it still ran. */
  held: Held | null;
  request: ApiRequest | null;
};

type Held = { execution: Execution; run: Run | null; resumeAt: number | null };

export type ApiRequest = {
  key: string;
  intent: Intent;
  caller: Caller;
  run: Run | null;
  /** Null while nobody knows: the caller asks again with the same key. */
  answer: AcceptOutcome | null;
};

export type Delivery =
  | "ok"
  | "before"
  | "after"
  | "hang-before"
  | "hang-after"
  | "crash-before"
  | "crash-after"
  | "late";
export type Ending = "error" | "vanish";

export type World = ReturnType<typeof createWorld>;

const providerSeconds = leaseSeconds / 2;
const sweepMs = 60_000;
const driftMs = 15 * 60_000;

/** Everything that runs, held at its await points. Nothing here decides: `schedule.ts` does. */
export function createWorld(options: {
  store: SimStore;
  cloud: SimCloud;
  clock: { now: number };
  random: Random;
  use: UseCases;
  checker: Checker;
  trace: (line: string) => void;
  database?: (database: Database) => Database;
}) {
  const { store, cloud, clock, random, use, checker, trace, database = (one) => one } = options;
  const runs: Run[] = [];
  const held = new Map<string, Held>();
  const requests: ApiRequest[] = [];
  const late: { at: number; perform: () => Promise<unknown>; label: string }[] = [];
  let made = 0;
  let nextSweep = clock.now + sweepMs;
  let nextDrift = clock.now + driftMs;
  let driftRuns = 0;

  function gate<T>(run: Run, port: Point["port"], label: string, perform: () => Promise<T>): Promise<T> {
    // What is dead asks nothing and hears nothing.
    if (run.state === "dead") return new Promise(() => {});
    return new Promise<T>((resolve, reject) => {
      run.points.push({ run, port, label, perform, resolve: resolve as Point["resolve"], reject, hangsUntil: null });
    });
  }

  function gated(run: Run, role: StoreRole): Database {
    const statement = async <T>(sql: string, parameters: SqlParameters = {}) => {
      const label = nameOf(sql);
      const { values, written } = await store.run(role, sql, parameters).catch((error: Error) => {
        checker.report("SQL", `${label} was refused: ${error.message}`);
        throw error;
      });
      checker.afterStatement(label, parameters, written);
      return values.map((value) => (value === null ? null : JSON.parse(value)) as T);
    };
    const transaction = () => Promise.reject(new Error("Nothing but a migration opens a transaction."));
    const inner = database({ rows: statement, transaction });
    return {
      rows: (sql, parameters = {}) => gate(run, "store", nameOf(sql), () => inner.rows<never>(sql, parameters)),
      transaction,
    };
  }

  function newId(): string {
    made += 1;
    const time = clock.now.toString(16).padStart(12, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${(made >> 12).toString(16).padStart(3, "0")}-8${(made & 4095).toString(16).padStart(3, "0")}-${random.hex(12)}`;
  }

  function portsOf(run: Run): Ports {
    const worker = gated(run, "cairn_worker");
    const scoped = { api: gated(run, "cairn_api"), platform: gated(run, "cairn_platform") };
    return {
      api: createApiStore(scoped, leaseSeconds),
      worker: operationQueries(worker),
      drift: driftWorkerQueries(worker),
      providers: {
        aws: createAwsProvider({
          clientFor: () =>
            clientOver(cloud, (label, perform) =>
              gate(run, "cloud", label, async () => {
                const answer = await perform();
                checker.afterCall();
                return answer;
              }),
            ),
          readSchema: schemaOf,
        }),
      },
      executions: {
        start: (machine, name, input) =>
          gate(run, "start", `start ${name.slice(-14)}`, async () => begin(machine, name, input)),
      },
      random: random.next,
      newId,
      now: () => Math.floor(clock.now / 1000),
    };
  }

  function launch(what: string, task: FunctionName, run: Partial<Run>, work: (ports: Ports) => Promise<unknown>): Run {
    const deadline = clock.now + functions[task].timeoutSeconds * 1000;
    const started: Run = {
      id: runs.length + 1,
      what,
      deadline,
      points: [],
      state: "running",
      held: null,
      request: null,
      ...run,
    };
    runs.push(started);
    if (started.held !== null) started.held.run = started;
    work(portsOf(started)).then(
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
      else if (end.error.name !== "StoreUnavailable") checker.report("API", `the API threw ${end.error.stack}`);
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
    const what = `${next.task}(${String(next.input.operation ?? next.input.run ?? "").slice(-4)}${next.input.epoch === undefined ? "" : ` e${next.input.epoch}`})`;
    launch(what, next.task, { held: holder }, (ports) => task(ports, next.input, use));
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
    if (run.request !== null) run.request.run = null;
    const { held: holder } = run;
    if (holder !== null && ending === "vanish") {
      holder.execution.status = "ABORTED";
      holder.run = null;
      run.held = null;
    } else settle(run, { error: "Runtime.ExitError" });
  }

  async function deliver(point: Point, how: Delivery, ending: Ending = "error"): Promise<void> {
    const { run, port, label } = point;
    trace(
      `run ${run.id} ${run.what}: ${port} ${label}${how === "ok" ? "" : ` [${how}${how.startsWith("crash") ? ` ${ending}` : ""}]`}`,
    );
    if (how === "hang-before" || how === "hang-after" || how === "late") {
      if (how === "hang-after") await point.perform().catch(() => undefined);
      // It arrives while its caller still waits, or after its caller has died: within the call's own deadline.
      if (how === "late")
        late.push({ at: clock.now + random.below(providerSeconds * 900), perform: point.perform, label });
      point.hangsUntil = clock.now + providerSeconds * 1000;
      return;
    }
    run.points = run.points.filter((one) => one !== point);
    switch (how) {
      case "ok":
        await point.perform().then(point.resolve, point.reject);
        break;
      case "after":
        await point.perform().catch(() => undefined);
        point.reject(faultOf(port, true));
        break;
      case "before":
        point.reject(faultOf(port, false));
        break;
      case "crash-after":
        await point.perform().catch(() => undefined);
        kill(run, ending);
        break;
      case "crash-before":
        kill(run, ending);
        break;
    }
    await drain();
  }

  function faultOf(port: Point["port"], after: boolean): Error {
    if (port === "store") return new StoreUnavailable("simulated");
    if (port === "start") return cloudError("ThrottlingException", 400);
    if (after) return random.chance(0.5) ? cloudError("TimeoutError", null) : cloudError("InternalFailure", 500);
    return random.pick([
      cloudError("ThrottlingException", 429),
      cloudError("ServiceUnavailable", 503),
      cloudError("TimeoutError", null),
    ]);
  }

  /** Moves the clock, and with it everything that was waiting for it. */
  async function advance(to: number): Promise<void> {
    clock.now = Math.max(clock.now, to);
    cloud.tick();
    for (const one of late.filter(({ at }) => at <= clock.now)) {
      late.splice(late.indexOf(one), 1);
      trace(`  a late call arrives: ${one.label}`);
      await one.perform().catch(() => undefined);
    }
    for (const run of runs) {
      for (const point of run.points.filter(({ hangsUntil }) => hangsUntil !== null && hangsUntil <= clock.now)) {
        run.points = run.points.filter((one) => one !== point);
        point.reject(cloudError("TimeoutError", null));
      }
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

  const points = () =>
    runs.flatMap((run) => (run.state === "running" ? run.points.filter(({ hangsUntil }) => hangsUntil === null) : []));

  return {
    clock,
    runs,
    requests,
    points,
    deliver,
    advance,
    drain,
    sweepNow,
    say: trace,
    /** When the clock has to be moved to, at the latest, for something to go on. */
    nextEvent(): number {
      const times = [nextSweep, cloud.nextChange() ?? Number.POSITIVE_INFINITY, ...late.map(({ at }) => at)];
      for (const { execution, resumeAt } of held.values()) {
        if (resumeAt !== null && execution.status === "RUNNING") times.push(resumeAt);
      }
      for (const run of runs) {
        if (run.state === "running")
          times.push(...run.points.flatMap(({ hangsUntil }) => (hangsUntil === null ? [] : [hangsUntil])));
      }
      return Math.max(clock.now + 1, Math.min(...times));
    },
    busy: () =>
      runs.some(({ state }) => state === "running") ||
      late.length > 0 ||
      [...held.values()].some(({ execution }) => execution.status === "RUNNING"),
    /** A request of a caller, or the same one again while its answer is not known. */
    async send(request: ApiRequest): Promise<void> {
      if (!requests.includes(request)) requests.push(request);
      const { caller, intent, key } = request;
      const scope = caller.role === "platform" ? ("platform" as const) : { team: caller.team ?? "" };
      request.run = launch(`api ${intent.action} ${key}`, "api", { request }, (ports) =>
        use.acceptIntent(
          { store: ports.api, goldenPaths, policy, executions: ports.executions, newId: ports.newId, now: ports.now },
          { caller, scope, intent, key, dryRun: false },
        ),
      );
      await drain();
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
    forgettable: () => runs.filter((run) => run.state === "running" && run.held !== null),
    crash: kill,
  };
}

/** What a task may end with; anything else is a bug, whatever the machine makes of it. */
const expected = new Set(["StoreUnavailable", "OperationLost"]);

/** A statement's name in a trace. */
function nameOf(sql: string): string {
  const called =
    /cairn\.(accept_intent|record_denial|claim_operation|advance_operation|sweep|claim_drift|record_drift|close_drift)\(/.exec(
      sql,
    )?.[1];
  if (called !== undefined) return called;
  if (sql.includes("sent_hash = :sentHash")) return "work_to_send";
  if (sql.includes("update cairn.operations o set due_at")) return "work";
  if (sql.includes("service_environments s")) return "context";
  return "read";
}
