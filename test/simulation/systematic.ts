import type { Intent } from "../../core/intent.ts";
import { type Delivery, deliveries, type Port } from "./delivery.ts";
import { typeNames } from "./kinds.ts";
import { developerOf, type Place } from "./places.ts";
import { type ApiRequest, requestOf } from "./requests.ts";
import type { Point } from "./run.ts";
import type { Scene } from "./scene.ts";
import type { Choose } from "./settle.ts";
import type { Simulation } from "./simulate.ts";
import type { Violation } from "./violation.ts";
import type { Ending } from "./world.ts";

/** What one call of a run meets; `late`: by how many milliseconds. */
export type Fault = { how: Delivery; ending?: Ending; late?: number };
type Change = "create" | "update" | "delete";
/** What faults are put into, and what is asked for right after one. */
export type Case = { type: string; change: Change; next: "nothing" | "update" | "delete" | "create" };
export type Outcome = { runs: number; points: number; failures: Failure[] };
type Failure = { name: string; violations: Violation[]; trace: string[] };

const place: Place = { team: "payments", service: "orders", environment: "staging" };
const remove: Intent = { action: "delete", ...place, resources: ["a"] };
const sized = (type: string, size: number): Intent => ({
  action: "apply",
  ...place,
  resources: { a: { type, parameters: { size } } },
});

/** Each of them asked for when the one before it has come to rest; faults are put into the last one alone. */
const changes: { readonly [change in Change]: (type: string) => Intent[] } = {
  create: (type) => [sized(type, 1)],
  update: (type) => [sized(type, 1), sized(type, 2)],
  delete: (type) => [sized(type, 1), remove],
};
const overtakes: { readonly [change in Change]: readonly Case["next"][] } = {
  create: ["nothing", "update", "delete"],
  update: ["nothing", "update", "delete"],
  delete: ["nothing", "create"],
};

export const cases: readonly Case[] = typeNames.flatMap((type) =>
  (Object.keys(changes) as Change[]).flatMap((change) => overtakes[change].map((next) => ({ type, change, next }))),
);

/**
 * Within its caller's patience; after it, and before a look takes what it did not find for absent; and, where tokens tell a call
 * that is hours late, ten minutes.
 */
const latenesses = [27_000, 44_000, 600_000];

/** Everything that can happen to a call of a port. */
export function faultsOf(port: Port): Fault[] {
  return deliveries[port].flatMap((how): Fault[] => {
    if (how === "late") return latenesses.map((late) => ({ how, late }));
    if (!how.startsWith("crash")) return [{ how }];
    return [
      { how, ending: "vanish" },
      { how, ending: "error" },
    ];
  });
}

/** A minute's sweep comes soon after a caller has given up a call that hangs: the least time in which one may still arrive. */
const beforeTheChange = 25_000;

/** Runs each case once for every await point and each fault of its port, one fault a run. */
export async function systematically(
  simulation: Simulation,
  chosen: readonly Case[] = cases,
  faults: (port: Port) => readonly Fault[] = faultsOf,
): Promise<Outcome> {
  const all: Outcome = { runs: 0, points: 0, failures: [] };
  for (const one of chosen) {
    const { runs, points, failures } = await everyPoint(simulation, one, faults);
    all.runs += runs;
    all.points += points;
    all.failures.push(...failures);
  }
  return all;
}

async function everyPoint(
  simulation: Simulation,
  one: Case,
  faults: (port: Port) => readonly Fault[],
): Promise<Outcome> {
  const { ports } = await play(simulation, { ...one, next: "nothing" }, null);
  const failures: Failure[] = [];
  let runs = 0;
  for (const [at, port] of ports.entries()) {
    // What is overtaken without a fault is a case too.
    const some: readonly Fault[] = one.next === "nothing" ? faults(port) : [{ how: "ok" }, ...faults(port)];
    for (const fault of some) {
      const { scene } = await play(simulation, one, { at, ...fault });
      runs += 1;
      const { violations } = scene.checker;
      if (violations.length > 0) failures.push({ name: nameOf(one, fault, at, ports), violations, trace: scene.trace });
    }
  }
  return { runs, points: ports.length, failures };
}

function nameOf(
  { change, type, next }: Case,
  { how, ending, late }: Fault,
  at: number,
  ports: readonly Port[],
): string {
  const what = [how, ending, late === undefined ? undefined : `${late / 1000} s`].filter(Boolean).join(" ");
  const more = next === "nothing" ? "" : `, then ${next}`;
  return `${change} of ${type}, ${what} at await point ${at + 1} of ${ports.length} (${ports[at]})${more}`;
}

async function play(
  simulation: Simulation,
  { type, change, next }: Case,
  fault: (Fault & { at: number }) | null,
): Promise<{ scene: Scene; ports: Port[] }> {
  const ports: Port[] = [];
  const asked = (key: string, intent: Intent) => requestOf({ ask: "intent", key, intent }, developerOf(place));
  const request = next === "nothing" ? null : asked("next", next === "delete" ? remove : sized(type, 3));
  const scene = await simulation.play(async ({ world, checker, settle, finish }) => {
    if (fault?.late !== undefined) world.lateness = { least: fault.late, most: fault.late };
    for (const [index, intent] of changes[change](type).entries()) {
      if (index > 0) await settle(inOrder);
      await world.advance(world.clock.now + beforeTheChange);
      await world.send(asked(`key-${index}`, intent));
    }
    await settle((points) => {
      const { point } = inOrder(points);
      const at = ports.push(point.port) - 1;
      return at === fault?.at ? met(point, fault, request) : { point, how: "ok" };
    });
    await finish();
    const last = [...checker.state.resources.all].at(-1);
    // Where the API's own call was lost, the later change may have been accepted first.
    const deletes = next === "nothing" ? change === "delete" : last?.deleting === true;
    const wanted = deletes ? "DELETED" : "READY";
    if (last?.status !== wanted) checker.report("I3", `a is ${last?.status}, and ${wanted} is wanted`);
  });
  return { scene, ports };
}

const inOrder: Choose = ([point]) => {
  if (point === undefined) throw new Error("nothing stands at a point");
  return { point, how: "ok" };
};

function met(point: Point, { how, ending }: Fault, request: ApiRequest | null): ReturnType<Choose> {
  return {
    point,
    how,
    ...(ending === undefined ? {} : { ending }),
    ...(request === null ? {} : { afterwards: request }),
  };
}
