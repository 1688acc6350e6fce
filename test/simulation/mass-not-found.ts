import type { Intent } from "../../core/intent.ts";
import { passTime } from "./pass-time.ts";
import { developerOf, type Place } from "./places.ts";
import { requestOf } from "./requests.ts";
import type { Scene } from "./scene.ts";

const names = ["a", "b", "c", "d"];
const places: readonly Place[] = [
  { team: "payments", service: "orders", environment: "staging" },
  { team: "search", service: "index", environment: "staging" },
];
const minute = 60_000;

/** What is asked for while a cloud denies knowing eight objects that it made, for more than half an hour (law F15). */
export const asked = {
  /** Before anybody has noticed: eight operations miss their objects at once. */
  "eight updates at once": { before: 0, intents: places.map((place) => sized(place, 2)) },
  /** After a run for drift has halted the target, which alone knows of more than one or two of them. */
  "an update and a deletion, with the target halted": {
    before: 16 * minute,
    intents: places.map(
      (place, index): Intent =>
        index === 0
          ? { action: "apply", ...place, resources: { a: { type: "made", parameters: { size: 2 } } } }
          : { action: "delete", ...place, resources: ["b"] },
    ),
  },
} as const satisfies { [what: string]: { before: number; intents: readonly Intent[] } };

/** Objects without unique names, so that nothing but Cairn itself stands in the way of a second one of each. */
function sized(place: Place, size: number): Intent {
  const wanted = names.map((name) => [name, { type: "made", parameters: { size } }]);
  return { action: "apply", ...place, resources: Object.fromEntries(wanted) };
}

/** @returns the objects that were made in all, and what became of each that was asked about while all of it was denied */
export async function massNotFound(
  scene: Scene,
  what: keyof typeof asked,
): Promise<{ made: number; during: string[] }> {
  const { world, sides, checker, settle, finish } = scene;
  const ask = (key: string, intent: Intent) =>
    world.send(requestOf({ ask: "intent", key, intent }, developerOf(intent as Place)));
  for (const [index, place] of places.entries()) await ask(`made-${index}`, sized(place, 1));
  await settle();
  await passTime(scene, minute);

  const side = sides.at("staging/aws");
  side.storm = { kind: "denying", service: null, strength: 1, until: Number.POSITIVE_INFINITY };
  const { before, intents } = asked[what];
  await passTime(scene, before);
  for (const [index, intent] of intents.entries()) await ask(`asked-${index}`, intent);
  await passTime(scene, 20 * minute);
  const during = [...checker.state.resources.all]
    .filter(({ status, generation }) => status !== "READY" || generation > 1)
    .map(({ status, reason }) => `${status} ${reason}`);
  await finish();
  return { made: sides.objects().length, during };
}
