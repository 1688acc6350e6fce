import { readPath } from "./read-path.ts";

/** A state of an Amazon States Language definition: the fields that are read here. */
export type State = {
  Type: string;
  Resource?: string;
  TimeoutSeconds?: number;
  Branches?: Definition[];
  Iterator?: Definition;
  ItemProcessor?: Definition;
  [field: string]: unknown;
};

/** A parsed Amazon States Language definition. */
export type Definition = { StartAt: string; States: { [name: string]: State }; [field: string]: unknown };

/** A definition says something that this machine would run differently from AWS, so it is not run at all. */
export class UnsupportedDefinitionError extends Error {
  override readonly name = "UnsupportedDefinitionError";
}

/** The longest a Node timer waits, in seconds: 24.8 days. A longer one would fire at once. */
export const longestTimer = 2_147_483;

/** Fields of a state that the interpreter ignores. */
const ignoredFields: { readonly [field: string]: string } = {
  Assign: "variables are not interpreted",
  Arguments: "JSONata is not interpreted",
  Output: "JSONata is not interpreted",
  HeartbeatSeconds: "heartbeats are not watched",
  HeartbeatSecondsPath: "heartbeats are not watched",
  ItemReader: "only inline Map runs",
  ItemBatcher: "only inline Map runs",
  ResultWriter: "only inline Map runs",
  ToleratedFailureCount: "only inline Map runs",
  ToleratedFailurePercentage: "only inline Map runs",
};

/**
 * The definition as it is run here: every `${name}` is the ARN of the function of that name, a Task without a timeout waits
 * as long as a timer can, since the interpreter's own default is 60 seconds where AWS has none, and a `ResultPath` that is `$`
 * is left out, which means the same and is understood.
 *
 * @throws {UnsupportedDefinitionError} for what would behave differently on AWS
 */
export function prepareDefinition(
  machine: string,
  definition: object,
  functionArn: (name: string) => string,
): Definition {
  const written = JSON.stringify(definition).replaceAll(/\$\{([^{}]*)\}/g, (_, name: string) => functionArn(name));
  const prepared = JSON.parse(written) as Definition;
  const names = new Set<string>();
  walk(prepared, (name, state, place) => {
    const why = names.has(name) ? "the name is used twice" : refusal(state, place);
    if (why !== undefined) throw new UnsupportedDefinitionError(`state machine ${machine}, state ${name}: ${why}`);
    names.add(name);
    for (const part of [state, ...((state.Catch as State[] | undefined) ?? [])])
      if (part.ResultPath === "$") delete part.ResultPath;
    if (state.Type !== "Task" || "TimeoutSecondsPath" in state) return;
    state.TimeoutSeconds ??= longestTimer;
  });
  return prepared;
}

/** Why a state cannot be run as AWS would run it. */
function refusal(state: State, place: Place | undefined): string | undefined {
  const field = Object.keys(ignoredFields).find((name) => name in state);
  if (field !== undefined) return ignoredFields[field];
  if (state.QueryLanguage === "JSONata") return "JSONata is not interpreted";
  const text = JSON.stringify(state);
  if (/"DISTRIBUTED"/.test(text) && state.Type === "Map") return "only inline Map runs";
  if (/"\$\$\.(State|Task)\b/.test(text)) return "the context object holds Execution, StateMachine and Map only";
  if (place?.inMap && state.Type === "Map") return "a Map inside a Map has no history here";
  if (place !== undefined && /"\$\$\.Execution\.(Input|StartTime)/.test(text))
    return "Map and Parallel do not know their execution's input";
  if (state.Type === "Pass" && "Result" in state && !state.Result) return "a falsy Result is ignored";
  const seconds = [state.TimeoutSeconds, state.Seconds].filter((value) => typeof value === "number");
  if (seconds.some((value) => value > longestTimer)) return `more than ${longestTimer} seconds is not waited for`;
  const isFunction = /^arn:aws:lambda:[^:]*:\d{12}:function:[A-Za-z0-9_-]+$/.test(state.Resource ?? "");
  return state.Type === "Task" && !isFunction ? "only functions are run, by ARN" : undefined;
}

/** How long a Task's function may take, if that is limited. */
export function timeoutOf({ TimeoutSeconds, TimeoutSecondsPath }: State, input: unknown): number | undefined {
  const seconds = TimeoutSecondsPath === undefined ? TimeoutSeconds : readPath(TimeoutSecondsPath, input);
  return typeof seconds === "number" && seconds < longestTimer ? seconds : undefined;
}

/** Where a state stands that is inside a Map, or in a branch of a Parallel. */
export type Place = { composite: string; branch: number; inMap: boolean };

/** Every state, those inside Map and Parallel included. */
export function walk(
  definition: Definition,
  visit: (name: string, state: State, place: Place | undefined) => void,
  place?: Place,
): void {
  for (const [name, state] of Object.entries(definition.States)) {
    visit(name, state, place);
    const inner = [...(state.Branches ?? []), state.Iterator, state.ItemProcessor].filter((part) => part !== undefined);
    const inMap = place?.inMap === true || state.Type === "Map";
    for (const [branch, part] of inner.entries()) walk(part, visit, { composite: name, branch, inMap });
  }
}
