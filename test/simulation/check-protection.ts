import { type Change, type State, short } from "./state.ts";
import type { BreakerRow, BudgetRow, OperationRow } from "./written.ts";

/** As in migration 0007: what an operation costs, what a probe's pause is, how far a budget may fall. */
const cost = 5;
const pauseMs = 10_000;
const burst = (rate: number) => Math.max(2 * rate, cost);
const deepest = (rate: number) => -Math.max(burst(rate) / 2, 4 * rate);
/** A verification takes its two calls even from an empty budget: this many may have been asked for at once. */
const verifications = 20;

/** Budgets and breakers (F6): who is let through to a provider, and who waits. */
export function checkProtection(state: State) {
  const { clock, report, breakers, budgets } = state;
  /** When the sweep let an operation through, by its id: until its time is over it is not asked again. */
  const admittedAt = new Map<string, number>();
  const openedAt = new Map<string, number>();
  /** The lease under which somebody probes, as the checker itself remembers it. */
  const probes = new Map<string, { operation: string; until: number }>();

  function breaker({ was, is }: Change<BreakerRow>): void {
    if (is.state !== "CLOSED" && (was?.state ?? "CLOSED") === "CLOSED") openedAt.set(is.id, clock.now);
    if (is.state === "OPEN" && was?.state !== "OPEN" && is.heldBy === null && (is.retryAt ?? 0) < clock.now + pauseMs)
      report("F6", `${is.id} opens without a pause`);
    if (is.state !== "HALF_OPEN") {
      probes.delete(is.id);
      return;
    }
    if (is.probe === null || is.probeUntil === null || is.probeUntil <= clock.now) {
      report("F6", `${is.id} is tried without a lease`);
      return;
    }
    if (was?.probe === is.probe && was?.probeUntil === is.probeUntil) return;
    const before = probes.get(is.id);
    if (before !== undefined && before.operation !== is.probe && before.until > clock.now)
      report("F6", `${is.id} is tried by ${short(is.probe)} while ${short(before.operation)} still tries it`);
    if (was?.state === "OPEN" && (was.retryAt ?? Number.POSITIVE_INFINITY) > clock.now)
      report("F6", `${is.id} is tried before its pause is over`);
    if (is.heldBy !== null) report("F6", `${is.id} is held open by hand, and tried`);
    probes.set(is.id, { operation: is.probe, until: is.probeUntil });
  }

  /** Budgets rise no faster than their rate, fall no deeper than their rule, and pay for all who are let through. */
  function budget({ was, is }: Change<BudgetRow>, letThrough: number): void {
    const { rate } = is;
    const full = burst(rate);
    const filled = was === undefined ? full : Math.min(full, was.tokens + (rate * (is.filledAt - was.filledAt)) / 1000);
    if (is.tokens > Math.max(filled, deepest(rate)) + 0.01)
      report(
        "F6",
        `the budget of ${is.id} rose to ${is.tokens.toFixed(2)}, and ${filled.toFixed(2)} is all that came in`,
      );
    if (is.tokens < deepest(rate) - cost - 2 * verifications)
      report("F6", `the budget of ${is.id} is overdrawn: ${is.tokens.toFixed(2)}`);
    if (filled - is.tokens < letThrough * cost - 0.01)
      report("F6", `${letThrough} were let through to ${is.id} for ${(filled - is.tokens).toFixed(2)} of its budget`);
  }

  /** @returns whether the operation was let through now, and has to be paid for */
  function admission({ was, is }: Change<OperationRow>, breakersBefore: ReadonlyMap<string, BreakerRow>): boolean {
    const id = `${is.target} ${is.service}`;
    const known = breakers.byId.get(id);
    if (is.gate === "BREAKER" && was?.gate !== "BREAKER" && (known === undefined || known.state === "CLOSED"))
      report("F6", `${short(is.id)} waits for ${id}, which is closed`);
    if (is.gate === "BUDGET" && was?.gate !== "BUDGET") {
      const left = budgets.byId.get(is.target);
      if (left !== undefined && left.tokens - cost >= burst(left.rate) / 2 + 0.01)
        report("F6", `${short(is.id)} waits for the budget of ${is.target}, which has ${left.tokens.toFixed(2)}`);
    }

    const admitted = is.admittedUntil !== null && is.admittedUntil !== was?.admittedUntil;
    if (admitted) admittedAt.set(is.id, clock.now);
    const claimed = is.status === "RUNNING" && was?.status !== "RUNNING";
    if (!claimed && !admitted) return false;
    const paid = claimed && was?.admittedUntil != null && was.admittedUntil > clock.now;
    const open = breakersBefore.get(id);
    if (open !== undefined && open.state !== "CLOSED" && known?.probe !== is.id) {
      const before = admittedAt.get(is.id);
      const early = paid && before !== undefined && before <= (openedAt.get(id) ?? 0);
      if (!early && known?.state !== "CLOSED")
        report("F6", `${short(is.id)} goes to ${id}, which is ${open.state}, and is no probe`);
    }
    return !paid;
  }

  return { breaker, budget, admission };
}
