import type { AcceptOutcome } from "../../control/accept-intent.ts";
import { type Json, sameJson } from "../../core/json.ts";
import { checkCalls } from "./check-calls.ts";
import { checkOperations } from "./check-operations.ts";
import { checkProtection } from "./check-protection.ts";
import type { ApiRequest } from "./requests.ts";
import type { Run } from "./run.ts";
import type { Sides } from "./sides.ts";
import { createState, short } from "./state.ts";
import type { Written } from "./written.ts";

export type Checker = ReturnType<typeof createChecker>;

/** How long a key is bound to its payload, but a minute, which an answer may take: a schedule can sleep for as long. */
const keyLife = 7 * 24 * 3600_000 - 60_000;

/** Looks at what each statement has written, and at providers after each call: invariants that hold always. */
export function createChecker(sides: Sides, clock: { now: number }, trace: (line: string) => void) {
  const state = createState(clock, trace);
  const { report, operations, resources, breakers, budgets, orphans } = state;
  const ofOperations = checkOperations(state, sides);
  const ofProtection = checkProtection(state);
  const ofCalls = checkCalls(state, sides);
  const accepted = new Map<string, { intent: Json; id: string; at: number }>();
  const ids = new Set<string>();

  function afterStatement(label: string, parameters: { [name: string]: unknown }, written: Written | null): void {
    if (written === null) return;
    const holder = operations.byId.get(String(parameters.operation));
    const breakersBefore = new Map(breakers.byId);
    const changes = {
      operations: operations.merge(written.operations),
      resources: resources.merge(written.resources),
      breakers: breakers.merge(written.breakers),
      budgets: budgets.merge(written.budgets),
      orphans: orphans.merge(written.orphans),
    };
    for (const [table, rows] of Object.entries(changes))
      for (const change of rows) trace(`    ${described(table, change)}`);
    const wrote = Object.values(changes).some((rows) => rows.length > 0) || written.audit.length > 0;
    if (wrote) ofOperations.fenced(label, parameters, holder);

    const letThrough = new Map<string, number>();
    for (const change of changes.operations) {
      ofOperations.operation(change, written.audit);
      if (change.is.used) ofCalls.remember(change.is);
      if (ofProtection.admission(change, breakersBefore))
        letThrough.set(change.is.target, (letThrough.get(change.is.target) ?? 0) + 1);
    }
    for (const change of changes.resources) ofOperations.resource(change, written.audit);
    for (const change of changes.breakers) ofProtection.breaker(change);
    for (const change of changes.budgets) {
      ofProtection.budget(change, letThrough.get(change.is.id) ?? 0);
      letThrough.delete(change.is.id);
    }
    for (const target of letThrough.keys()) report("F6", `${label} let somebody through to ${target}, and nobody paid`);
    ofOperations.afterwards();
  }

  function afterAnswer(request: ApiRequest, outcome: NonNullable<ApiRequest["answer"]>): void {
    if (outcome.outcome === "busy") return;
    request.answer = outcome;
    if (request.asked.ask === "intent") answered(request.asked, outcome as AcceptOutcome);
  }

  function answered({ key, intent }: { key: string; intent: object }, outcome: AcceptOutcome): void {
    const known = accepted.get(key);
    const first = known !== undefined && known.at > clock.now - keyLife ? known : undefined;
    const same = first !== undefined && sameJson(first.intent, intent as unknown as Json);
    if (outcome.outcome === "key-reused" && same)
      report("I6", `key ${key} was refused with the payload it was given for`);
    if (outcome.outcome !== "accepted") return;
    ids.add(outcome.intent.id);
    if (first === undefined)
      accepted.set(key, { intent: intent as unknown as Json, id: outcome.intent.id, at: clock.now });
    else if (first.id !== outcome.intent.id) report("I6", `key ${key} made two intents`);
    else if (!same) report("I6", `key ${key} was answered with another payload`);
  }

  return {
    state,
    violations: state.violations,
    report,
    afterStatement,
    beforeCall: ofCalls.before,
    afterCall: ofCalls.after,
    /** Calls of where a storm is, lost ones too. */
    callsIn: ofCalls.countIn,
    afterLoss: (run: Run, label: string) => void run.failed.add(label),
    afterAnswer,
    /** Ids of all intents that were answered `202`. */
    accepted: ids,
  };
}

const unsaid = new Set([
  "id",
  "token",
  "decided",
  "resource",
  "operation",
  "uses",
  "team",
  "place",
  "target",
  "service",
]);

/** A change in a row, as a trace says it. */
function described(table: string, { was, is }: { was: object | undefined; is: { id: string } }): string {
  const old = (was ?? {}) as { [field: string]: unknown };
  const fields = Object.entries(is).flatMap(([key, value]) => {
    if (old[key] === value || unsaid.has(key)) return [];
    const now = `${value}`.slice(0, 12);
    return [was === undefined ? `${key} ${now}` : `${key} ${`${old[key]}`.slice(0, 12)} → ${now}`];
  });
  const { name, resource } = is as { name?: string; resource?: string };
  const id = table === "breakers" || table === "budgets" ? is.id : short(is.id);
  const what = [name, id, resource === undefined ? "" : `of ${short(resource)}`].filter(Boolean).join(" ");
  return `${table.replace(/s$/, "")} ${what}: ${fields.join(", ")}`;
}
