import type { StateMachine } from "aws-local-stepfunctions";
import { type Definition, type Place, type State, timeoutOf, walk } from "./definition.ts";
import type { Ending } from "./ending.ts";
import { readPath } from "./read-path.ts";

/** One event as it is kept. What its type has to say is in `details`, under the service's name for it. */
export type HistoryEvent = {
  /** From 1, without a gap. */
  id: number;
  previousEventId: number;
  type: string;
  /** Milliseconds since 1970. */
  timestamp: number;
  details: { readonly [member: string]: Fields };
};

type Fields = { readonly [field: string]: unknown };

/** What the interpreter says about a run. */
export type LogEvent = ReturnType<StateMachine["run"]>["eventLogs"] extends AsyncGenerator<infer Event> ? Event : never;

export type Attempt = { succeeded(result: unknown): void; failed(error: string, cause: string): void };

export type History = {
  /** Takes the interpreter's word, in its order. */
  tell(event: LogEvent): void;
  /** A Task's function is about to be called; undefined when nobody waits for it any more. */
  attempt(state: string, input: unknown): Attempt | undefined;
  /** Nothing is written after it. */
  end(ending: Ending): void;
};

/** A sequence of states, each led to by the one before: the machine's own, or that of an iteration or a branch. */
type Chain = {
  /** The event that the next one follows. */
  newest: number;
  /** The last event of all: that an iteration succeeded is told, but nothing follows it. */
  last: number;
  /** The type of the state it is in. */
  state: string;
  /** The event that this state failed with, until it is tried again or left. */
  failedWith: number | undefined;
  /** The call that its Task waits for. */
  attempt: object | undefined;
  ended: boolean;
  /** The iterations or branches of the Map or Parallel it is in, by index. */
  inner: Map<number, Chain>;
  /** Where iterations ended whose place another may take: that one follows. */
  freed: number[];
};

type StateEvent = Extract<LogEvent, { state: unknown }>;
type FailedEvent = Extract<LogEvent, { type: "StateFailed" }>;
type IterationEvent = Extract<LogEvent, { type: "MapIterationStarted" }>;

/** State types whose abort inside a Map or a Parallel is an event of its own. */
const abortable = new Set(["Task", "Wait", "Map", "Parallel"]);

/** The end is one of them. */
export const maxEvents = 25_000;

export type HistoryOptions = {
  definition: Definition;
  input: string;
  roleArn: string;
  write: (event: HistoryEvent) => void;
  /** There is room for the end only: nothing else is written any more. */
  full: () => void;
  now: () => number;
};

/** Tells a run as GetExecutionHistory does. */
export function writeHistory({ definition, input, roleArn, write, full, now }: HistoryOptions): History {
  const states = new Map<string, { state: State; place: Place | undefined }>();
  walk(definition, (name, state, place) => states.set(name, { state, place }));
  const top = newChain(0);
  /** Chains whose Task is about to be called, by the state's name and in order. */
  const expected = new Map<string, Chain[]>();
  let count = 0;
  let closed = false;
  push(0, "ExecutionStarted", { executionStartedEventDetails: { input, inputDetails: complete, roleArn } });
  return { tell, attempt, end };

  function add(chain: Chain, type: string, details: HistoryEvent["details"] = {}, previous = chain.newest): void {
    note(chain, type, details, previous);
    chain.newest = chain.last;
  }

  /** Tells what nothing follows. */
  function note(chain: Chain, type: string, details: HistoryEvent["details"] = {}, previous = chain.newest): void {
    if (closed || count === maxEvents - 1) return;
    push(previous, type, details);
    chain.last = count;
    if (count === maxEvents - 1) full();
  }

  function push(previousEventId: number, type: string, details: HistoryEvent["details"]): void {
    count += 1;
    write({ id: count, previousEventId, type, timestamp: now(), details });
  }

  function tell(event: LogEvent): void {
    if ("state" in event) tellState(event, chainOf(event.state.name, event.index));
    else if (event.type === "MapIterationStarted") startIteration(event);
  }

  function tellState(event: StateEvent, chain: Chain): void {
    const { name, type, input, output } = event.state;
    if (event.type === "StateEntered") {
      chain.state = type;
      add(chain, `${type}StateEntered`, { stateEnteredEventDetails: { name, ...withInput(input) } });
      begin(event, chain);
    } else if (event.type === "StateRetried") {
      chain.failedWith = undefined;
      begin(event, chain);
    } else if (event.type === "StateFailed") {
      fail(event, chain);
    } else if (event.type === "StateExited") {
      const caught = chain.failedWith !== undefined;
      chain.failedWith = undefined;
      if (isComposite(type) && !caught) {
        chain.newest = Math.max(chain.newest, ...innerOf(chain).map(({ last }) => last));
        note(chain, `${type}StateSucceeded`);
      }
      add(chain, `${type}StateExited`, { stateExitedEventDetails: { name, ...withOutput(output) } });
      if (!caught) leave(event, chain);
    }
  }

  /** The interpreter says by itself that an iteration succeeded, but at times not before the next one has started. */
  function leave({ state: { name, type }, index = 0 }: StateEvent, chain: Chain): void {
    const { state, place } = states.get(name) ?? {};
    if (place === undefined || (state?.End !== true && type !== "Succeed")) return;
    chain.ended = true;
    if (states.get(place.composite)?.state.Type !== "Map") return;
    const details = { mapIterationSucceededEventDetails: { name: place.composite, index } };
    note(chain, "MapIterationSucceeded", details);
    chainOf(place.composite).freed.push(chain.newest);
  }

  function begin({ state: { name, type, input } }: StateEvent, chain: Chain): void {
    if (type === "Task") expected.set(name, [...(expected.get(name) ?? []), chain]);
    if (!isComposite(type)) return;
    const { state } = states.get(name) ?? {};
    const items = type === "Map" ? readPath(state?.ItemsPath, readPath(state?.InputPath, input)) : undefined;
    const length = Array.isArray(items) ? { mapStateStartedEventDetails: { length: items.length } } : {};
    add(chain, `${type}StateStarted`, length);
    chain.freed = [];
    chain.inner = new Map((state?.Branches ?? []).map((_, branch) => [branch, newChain(chain.newest)]));
  }

  function startIteration({ index, parentState: { name } }: IterationEvent): void {
    const outer = chainOf(name);
    const chain = newChain(outer.freed.shift() ?? outer.newest);
    outer.inner.set(index, chain);
    add(chain, "MapIterationStarted", { mapIterationStartedEventDetails: { name, index } });
  }

  function fail({ state: { name, type }, Error: error }: FailedEvent, chain: Chain): void {
    if (type === "Task") {
      const waiting = expected.get(name)?.filter((other) => other !== chain);
      if (waiting !== undefined) expected.set(name, waiting);
      // An attempt that failed by itself is closed already: this one was waited for long enough.
      if (chain.attempt !== undefined)
        add(chain, "LambdaFunctionTimedOut", { lambdaFunctionTimedOutEventDetails: { error } });
      chain.attempt = undefined;
    }
    if (isComposite(type)) failInside(type, name, chain);
    chain.failedWith = chain.newest;
  }

  /** One failure inside leads to all of this: it ends its iteration or branch, and aborts those still under way. */
  function failInside(type: string, name: string, outer: Chain): void {
    const cause = Math.max(0, ...innerOf(outer).map(({ failedWith = 0 }) => failedWith));
    const failed = [...outer.inner].filter(([, chain]) => chain.failedWith === cause);
    const aborted = [...outer.inner].filter(([, chain]) => chain.failedWith !== cause && !chain.ended);
    for (const [index, chain] of [...failed, ...aborted]) {
      const end = chain.failedWith === cause ? "Failed" : "Aborted";
      if (type === "Map")
        add(chain, `MapIteration${end}`, { [`mapIteration${end}EventDetails`]: { name, index } }, cause);
      if (abortable.has(chain.state)) add(chain, `${chain.state}StateAborted`, {}, cause);
      chain.attempt = undefined;
    }
    add(outer, `${type}StateFailed`, {}, cause);
  }

  function attempt(name: string, input: unknown): Attempt | undefined {
    const chain = expected.get(name)?.shift();
    const { state } = states.get(name) ?? {};
    if (chain === undefined || state === undefined) return undefined;
    const seconds = timeoutOf(state, input);
    add(chain, "LambdaFunctionScheduled", {
      lambdaFunctionScheduledEventDetails: {
        resource: state.Resource,
        ...withInput(input),
        ...(seconds === undefined ? {} : { timeoutInSeconds: seconds }),
      },
    });
    add(chain, "LambdaFunctionStarted");
    const own = {};
    chain.attempt = own;
    const finish = (type: string, details: HistoryEvent["details"]) => {
      if (chain.attempt !== own) return;
      chain.attempt = undefined;
      add(chain, type, details);
    };
    return {
      succeeded: (result) =>
        finish("LambdaFunctionSucceeded", { lambdaFunctionSucceededEventDetails: withOutput(result) }),
      failed: (error, cause) => finish("LambdaFunctionFailed", { lambdaFunctionFailedEventDetails: { error, cause } }),
    };
  }

  function end(ending: Ending): void {
    if (closed) return;
    closed = true;
    if (ending.status === "SUCCEEDED") {
      const { output } = ending;
      push(top.newest, "ExecutionSucceeded", { executionSucceededEventDetails: { output, outputDetails: complete } });
    } else if (ending.status === "TIMED_OUT") {
      push(top.newest, "ExecutionTimedOut", { executionTimedOutEventDetails: {} });
    } else if (ending.status === "FAILED") {
      push(top.newest, "ExecutionFailed", { executionFailedEventDetails: known(ending) });
    } else push(0, "ExecutionAborted", { executionAbortedEventDetails: known(ending) });
  }

  function chainOf(name: string, index?: number): Chain {
    const place = states.get(name)?.place;
    if (place === undefined) return top;
    const { composite, branch } = place;
    const position = states.get(composite)?.state.Type === "Map" ? (index ?? 0) : branch;
    return chainOf(composite, index).inner.get(position) ?? top;
  }
}

/** The service's word for data that is not cut short, as it never is in an answer of the API. */
const complete = { truncated: false };

function withInput(input: unknown): Fields {
  return { input: JSON.stringify(input) ?? "null", inputDetails: complete };
}

function withOutput(output: unknown): Fields {
  return { output: JSON.stringify(output) ?? "null", outputDetails: complete };
}

function known({ error, cause }: { error: string | null; cause: string | null }): Fields {
  return { ...(error === null ? {} : { error }), ...(cause === null ? {} : { cause }) };
}

function newChain(newest: number): Chain {
  return {
    newest,
    last: newest,
    state: "",
    failedWith: undefined,
    attempt: undefined,
    ended: false,
    inner: new Map(),
    freed: [],
  };
}

function innerOf({ inner }: Chain): Chain[] {
  return [...inner.values()];
}

function isComposite(type: string): type is "Map" | "Parallel" {
  return type === "Map" || type === "Parallel";
}
