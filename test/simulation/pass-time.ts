import type { Delivery } from "./delivery.ts";
import type { Point } from "./run.ts";
import type { Scene } from "./scene.ts";

/** Time goes by, and what stands at a point goes on, in order: for so long, or until `meets` says stop, after that point. */
export async function passTime(
  { world }: Scene,
  milliseconds: number,
  meets: (point: Point) => Delivery | "stop" = () => "ok",
): Promise<void> {
  const until = world.clock.now + milliseconds;
  while (world.clock.now < until) {
    const [point] = world.points();
    world.clock.now += 1;
    if (point === undefined) {
      await world.advance(Math.min(until, world.nextEvent()));
      continue;
    }
    const how = meets(point);
    await world.deliver(point, how === "stop" ? "ok" : how);
    if (how === "stop") return;
  }
}
