import type { Checker } from "./checker.ts";
import type { Delivery } from "./delivery.ts";
import { breakerOf } from "./intents.ts";
import { platform } from "./places.ts";
import { type ApiRequest, requestOf } from "./requests.ts";
import type { Point } from "./run.ts";
import type { Side, Sides } from "./sides.ts";
import { openStatuses, type State, short } from "./state.ts";
import type { Ending, World } from "./world.ts";
import type { ResourceRow } from "./written.ts";

/** What becomes of which call, and what somebody asks for right after it. */
export type Choose = (points: readonly Point[]) => {
  point: Point;
  how: Delivery;
  ending?: Ending;
  afterwards?: ApiRequest;
};

const minute = 60_000;
/** After the last fault: two sweep periods, a lease and a pause for each link of the longest chain of changes, and a margin. */
const patienceMs = 25 * minute;
/** Calls of an operation that has to try again, and try again. */
const callsAtMost = 20;

const terminal = new Set(["READY", "FAILED", "DELETED"]);

type Settling = { world: World; sides: Sides; checker: Checker; choose: Choose };

/** Lets everything go on without faults until nothing is left to do, or law I3 is broken. Answers simulated seconds. */
export async function settleAll(settling: Settling): Promise<number> {
  const { world, sides, checker } = settling;
  const from = world.clock.now;
  const { state } = checker;
  const done = () => !world.busy() && everything(state, () => true);
  await goOn(settling, done, sides.lastEnd() + patienceMs + backlogMs(state), () => true);
  return (world.clock.now - from) / 1000;
}

/**
 * One target, or a service of it, stays as bad as it can be: nothing else is held up by it, and it is left in peace (F6, F14).
 * Three minutes at least, or a breaker would have no time to open.
 */
export async function settleOthers(settling: Settling, side: Side): Promise<void> {
  const { world, sides, checker } = settling;
  const { state } = checker;
  const free = (row: ResourceRow) => !touched(state, side).has(row.id);
  const from = world.clock.now;
  const waiting = [...state.operations.all].filter(({ status }) => openStatuses.has(status)).length;
  const before = checker.callsIn(side);
  const done = () => world.clock.now - from > 3 * minute && everything(state, free);
  await goOn(settling, done, sides.lastEnd() + patienceMs + backlogMs(state), free);

  // Eight failures open a breaker, of what was under way each has a call or two more, and every ten seconds one is let through.
  const services = side.storm?.service === null ? 3 : 1;
  const probes = Math.ceil((world.clock.now - from) / 10_000);
  const calls = checker.callsIn(side) - before;
  const most = services * (8 + probes) * 3 + waiting * 3;
  if (calls > most) checker.report("F6", `${calls} calls of ${side.key} while it was down, and ${most} would do`);
}

async function goOn(
  { world, checker, choose }: Settling,
  done: () => boolean,
  until: number,
  counts: (row: ResourceRow) => boolean,
): Promise<void> {
  while (checker.violations.length === 0) {
    const byHand = [...checker.state.breakers.all].find(({ heldBy }) => heldBy !== null);
    const unanswered = world.requests.find(({ answer, run }) => answer === null && run === null);
    const asking = world.requests.some(({ run }) => run !== null);
    const points = world.points();
    world.clock.now += 1;
    if (points.length > 0) {
      const { point, how, ending, afterwards } = choose(points);
      await world.deliver(point, how, ending);
      if (afterwards !== undefined) await world.send(afterwards);
    } else if (unanswered !== undefined) await world.send(unanswered);
    // The platform team lets go of what it has paused.
    else if (byHand !== undefined && !asking)
      await world.send(requestOf({ ask: "breaker", ...breakerOf(byHand), state: "CLOSED" }, platform));
    else if (done()) break;
    else await world.advance(world.nextEvent());
    if (world.clock.now > until) {
      const stuck = [...checker.state.resources.all].filter((row) => counts(row) && !terminal.has(row.status));
      const what = stuck.map(({ name, id, status }) => `${name} ${short(id)} ${status}`).join(", ");
      checker.report("I3", `not terminal in time after the last fault: ${what || "an execution still runs"}`);
    }
  }
}

function everything(state: State, counts: (row: ResourceRow) => boolean): boolean {
  for (const row of state.resources.all) if (!terminal.has(row.status) && counts(row)) return false;
  for (const { resource, status } of state.operations.all) {
    const row = state.resources.byId.get(resource);
    if (openStatuses.has(status) && row !== undefined && counts(row)) return false;
  }
  return true;
}

/** What lives where the storm is, and all that is tied to it by references, in either direction. */
function touched({ resources }: State, side: Side): ReadonlySet<string> {
  const service = side.storm?.service ?? null;
  const found = new Set<string>();
  for (const row of resources.all) {
    if (row.target === side.key && (service === null || service === row.service)) found.add(row.id);
  }
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const { id, uses } of resources.all) {
      const ids = uses === "" ? [] : uses.split(" ");
      if (found.has(id)) for (const used of ids) found.add(used);
      else if (ids.some((used) => found.has(used))) found.add(id);
    }
  }
  return found;
}

/** What the rate budgets allow all that is open, one after the other. */
function backlogMs({ operations, budgets }: State): number {
  const open = [...operations.all].filter(({ status }) => openStatuses.has(status)).length;
  const slowest = Math.min(25, ...[...budgets.all].map(({ rate }) => rate));
  return ((open + 1) * callsAtMost * 1000) / slowest;
}
