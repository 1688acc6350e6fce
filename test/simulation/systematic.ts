import type { Intent } from "../../core/intent.ts";
import type { Delivery } from "./delivery.ts";
import { typeNames } from "./kinds.ts";
import { developerOf, type Place } from "./places.ts";
import { requestOf } from "./requests.ts";
import type { Scene } from "./scene.ts";
import { openSimulation, type Simulation } from "./simulate.ts";
import type { Violation } from "./violation.ts";
import type { Ending } from "./world.ts";

type Fault = { how: Delivery; ending: Ending };
type Failure = { name: string; violations: Violation[]; trace: string[] };

/** A crash before the call and after it (with the execution lost, or told of it), and a call whose answer is lost. */
export const faults: readonly Fault[] = [
  { how: "crash-before", ending: "vanish" },
  { how: "crash-after", ending: "vanish" },
  { how: "crash-after", ending: "error" },
  { how: "before", ending: "error" },
  { how: "after", ending: "error" },
];

const place: Place = { team: "payments", service: "orders", environment: "staging" };
const sized = (type: string, size: number): Intent => ({
  action: "apply",
  ...place,
  resources: { a: { type, parameters: { size } } },
});

/** The intents of each scenario; faults are put into the last one alone. */
const scenarios: { readonly [name: string]: (type: string) => Intent[] } = {
  create: (type) => [sized(type, 1)],
  update: (type) => [sized(type, 1), sized(type, 2)],
  delete: (type) => [sized(type, 1), { action: "delete", ...place, resources: ["a"] }],
};

/** Runs create, update and delete of each kind once for every await point and every fault, one fault a run. */
export async function systematically(
  types: readonly string[] = typeNames,
  chosen: readonly Fault[] = faults,
): Promise<{ runs: number; points: number; failures: Failure[] }> {
  const simulation = await openSimulation();
  const failures: Failure[] = [];
  let runs = 0;
  let points = 0;
  for (const type of types) {
    for (const [scenario, intents] of Object.entries(scenarios)) {
      const { points: count } = await play(simulation, intents(type), null);
      points += count;
      for (let at = 0; at < count; at++) {
        for (const fault of chosen) {
          const { scene } = await play(simulation, intents(type), { at, ...fault });
          runs += 1;
          const { violations } = scene.checker;
          const name = `${scenario} of ${type}, ${fault.how} (${fault.ending}) at await point ${at + 1} of ${count}`;
          if (violations.length > 0) failures.push({ name, violations, trace: scene.trace });
        }
      }
    }
  }
  await simulation.close();
  return { runs, points, failures };
}

async function play(
  simulation: Simulation,
  intents: readonly Intent[],
  fault: (Fault & { at: number }) | null,
): Promise<{ scene: Scene; points: number }> {
  let points = 0;
  const scene = await simulation.play(async ({ world, settle, finish }) => {
    for (const [index, intent] of intents.entries()) {
      await world.send(requestOf({ ask: "intent", key: `key-${index}`, intent }, developerOf(place)));
      if (index < intents.length - 1) await settle(([point]) => ({ point: known(point), how: "ok" }));
    }
    await settle(([point]) => {
      const here = points === fault?.at;
      points += 1;
      return { point: known(point), how: here ? fault.how : "ok", ...(here ? { ending: fault.ending } : {}) };
    });
    await finish();
  });
  return { scene, points };
}

function known<T>(point: T | undefined): T {
  if (point === undefined) throw new Error("nothing stands at a point");
  return point;
}
