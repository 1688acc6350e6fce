import type { Intent } from "../../core/intent.ts";
import type { Delivery } from "./delivery.ts";
import { passTime } from "./pass-time.ts";
import { developerOf, type Place } from "./places.ts";
import { requestOf } from "./requests.ts";
import type { Point } from "./run.ts";
import type { Scene } from "./scene.ts";
import { fairWeather } from "./weather.ts";

const place: Place = { team: "payments", service: "orders", environment: "staging" };
/** Without a unique name, so that nothing but Cairn itself stands in the way of a second one. */
const sized = (size: number): Intent => ({
  action: "apply",
  ...place,
  resources: { a: { type: "made", parameters: { size } } },
});
const remove: Intent = { action: "delete", ...place, resources: ["a"] };
const minute = 60_000;

/**
 * Requests whose end nobody sees, because Cairn's role may not look for a moment or an answer is lost, while the cloud takes
 * minutes; and what somebody asks for next (laws I1, I5). Chance met none of them in a thousand seeds.
 */
export const unseenEnds: { readonly [what: string]: (scene: Scene) => Promise<void> } = {
  "a create that is overtaken by a deletion, and may not be looked at": overtakenBy(remove),
  "a create that is overtaken by an update, and may not be looked at": overtakenBy(sized(2)),
  "a create without an answer that may not be looked at, and a deletion then": unansweredBefore(remove),
  "a create without an answer that may not be looked at, and an update then": unansweredBefore(sized(2)),
  "a deletion that the cloud failed at, and a look that does not find what is there": failedDeletion,
};

/** Nobody but the story does anything. */
export const calm = { rate: null, denials: 0, drift: 0, storms: { chance: 0, kinds: [], lasting: false } };

export function storyOf(what: string): (scene: Scene) => Promise<void> {
  const story = unseenEnds[what];
  if (story === undefined) throw new Error(`there is no story "${what}"`);
  return story;
}

function overtakenBy(next: Intent) {
  return async (scene: Scene) => {
    scene.sides.weather = { ...fairWeather, slow: 1 };
    await ask(scene, "first", sized(1));
    let asked = false;
    await passTime(scene, minute, ({ label }) => {
      asked ||= label.includes("CreateResource");
      return asked && label.includes("advance") ? "stop" : "ok";
    });
    await ask(scene, "next", next);
    await passTime(scene, 4 * minute, once(isLook, "denied"));
    await scene.finish();
  };
}

function unansweredBefore(next: Intent) {
  return async (scene: Scene) => {
    scene.sides.weather = { ...fairWeather, slow: 1 };
    await ask(scene, "first", sized(1));
    let asked = false;
    const denied = once(isLook, "denied");
    await passTime(scene, 2 * minute, (point) => {
      if (statusOf(scene) === "FAILED") return "stop";
      if (asked) return denied(point);
      asked = point.label.includes("CreateResource");
      return asked ? "after" : "ok";
    });
    await ask(scene, "next", next);
    await passTime(scene, 4 * minute);
    await scene.finish();
  };
}

async function failedDeletion(scene: Scene): Promise<void> {
  await ask(scene, "first", sized(1));
  await scene.settle();
  await passTime(scene, 2 * minute);
  scene.sides.weather = { ...fairWeather, handlerFailure: 1 };
  await ask(scene, "next", remove);
  const side = scene.sides.at("staging/aws");
  let asked = false;
  await passTime(scene, 10 * minute, ({ label }) => {
    if (asked && side.storm === null && label.includes("GetResource "))
      side.storm = { kind: "denying", service: null, strength: 1, until: scene.world.clock.now + 2000 };
    asked ||= label.includes("DeleteResource");
    return "ok";
  });
  await scene.finish();
}

const ask = ({ world }: Scene, key: string, intent: Intent) =>
  world.send(requestOf({ ask: "intent", key, intent }, developerOf(place)));
const statusOf = ({ checker }: Scene) => [...checker.state.resources.all][0]?.status;
const isLook = ({ port, label }: Point) => port === "provider" && !label.includes("CreateResource");

function once(is: (point: Point) => boolean, how: Delivery): (point: Point) => Delivery {
  let met = false;
  return (point) => {
    if (met || !is(point)) return "ok";
    met = true;
    return how;
  };
}
