import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limited, readDefinition } from "../statemachines/run-scenario.ts";
import { scenarios } from "../statemachines/scenarios.ts";
import { type Engine, type Machines, openLocalStack, openOurs } from "./engines.ts";
import { python } from "./python.ts";
import { scripts } from "./scripts.ts";
import { finish, type PlainEvent, type Seen, start } from "./seen.ts";
import { shapes } from "./shapes.ts";

/** The files as they ship; only a function that hangs is waited for this long, on both engines. */
const hangSeconds = 20;
const shipped = scenarios.map((scenario, index) => ({ ...scenario, name: `s${index}` }));
const others = shapes.map((shape, index) => ({ ...shape, name: `o${index}` }));
const machines: Machines = Object.fromEntries([
  ...shipped.map(({ name, machine, answers }) => {
    const definition = limited(readDefinition(machine), answers, hangSeconds);
    return [name, { definition, answers }] as const;
  }),
  ...others.map((shape) => [shape.name, shape] as const),
  ...scripts.map(({ machine }, index) => [`p${index}`, machine] as const),
]);

let ours: Engine;
let localStack: Engine;
const runs = new Map<string, { ours: Seen; localStack: Seen }>();
const runOf = (name: string) => runs.get(name) as { ours: Seen; localStack: Seen };

beforeAll(async () => {
  ours = await openOurs(machines);
  localStack = await openLocalStack(python(), machines);
  await Promise.all(
    [...shipped, ...others].map(async ({ name, input }) => {
      const run = async (engine: Engine) => finish(engine, await start(engine, name, input, "once"));
      const [one, other] = await Promise.all([run(ours), run(localStack)]);
      runs.set(name, { ours: one, localStack: other });
    }),
  );
});
afterAll(async () => {
  await Promise.all([ours?.close(), localStack?.close()]);
});

describe.each(["reconcile", "drift"])("the state machine %s", (machine) => {
  const of = shipped.filter((scenario) => scenario.machine === machine);

  it.each(of.map((scenario) => [scenario.title, scenario] as const))(
    "%s",
    (_title, { name, states, end, calls = {} }) => {
      const run = runOf(name);
      for (const [engine, seen] of [
        [ours, run.ours],
        [localStack, run.localStack],
      ] as const) {
        expect(seen.states).toEqual(states);
        expect(seen.end).toEqual(end);
        for (const [called, times] of Object.entries(calls))
          expect(
            engine.lambda.calls.filter((call) => call.name === `${name}-${called}`),
            called,
          ).toHaveLength(times);
      }
      expect(run.ours.history).toEqual(run.localStack.history);
    },
  );
});

describe("beside what the machines use", () => {
  it.each(others.map((shape) => [shape.title, shape] as const))("%s", (_title, { name, sideBySide }) => {
    const run = runOf(name);
    const told = (history: PlainEvent[]) => (sideBySide ? lines(history) : history);
    expect(run.ours.end).toEqual(run.localStack.end);
    expect(told(run.ours.history)).toEqual(told(run.localStack.history));
  });
});

describe("the calls that start, stop and look", () => {
  it.each(scripts.map((script, index) => [script.title, script, `p${index}`] as const))(
    "%s",
    async (_title, { play, expected }, machine) => {
      const [one, other] = await Promise.all([play(ours, machine), play(localStack, machine)]);
      expect(one).toEqual(expected);
      expect(other).toEqual(expected);
    },
  );
});

/** What happens, whatever led to what. */
function lines(history: PlainEvent[]): string[] {
  return history.map(({ type, details }) => `${type} ${JSON.stringify(details)}`).sort();
}
