import type { Caller } from "../core/caller.ts";
import type { Intent } from "../core/intent.ts";
import { hashOf, type JsonObject, pointerWithin } from "../core/json.ts";
import type { Policy, Violation, Warning } from "../core/policy.ts";
import { withReferencesMarked } from "../core/reference.ts";
import type { ContextResource, IntentContext } from "../core/store.ts";
import type { DecidedChange } from "./decide-changes.ts";

export type Judgement = { allow: boolean; violations: Violation[]; warnings: Warning[]; inputHash: string };

/**
 * A hostile definition can break a rule thousands of times, at places whose names take tens of thousands of letters; a
 * decision is one row of at most 64 KB.
 */
const shown = 50;
const shownBytes = 20_000;
const longestText = 500;

/** Asks policy about each definition, overrides included. All must be allowed (law I7). */
export function judge(
  deps: { policy: Policy; now: () => number },
  caller: Caller,
  intent: Intent,
  context: IntentContext,
  changes: readonly DecidedChange[],
): Judgement {
  const now = deps.now();
  const verdicts = changes.map(({ name, definition, before }) =>
    deps.policy.evaluate({
      schema: 1,
      now,
      action: intent.action,
      caller: { subject: caller.subject, role: caller.role },
      team: { id: intent.team, contact: context.team?.contact ?? null },
      service: intent.service,
      environment: { name: intent.environment, tier: context.environment?.tier ?? "production" },
      resource: {
        name,
        type: definition.type,
        version: definition.version,
        class: definition.class,
        provider: definition.provider,
        kind: definition.kind,
        region: regionOf(context.targets[definition.provider]),
        parameters: withReferencesMarked(definition.parameters) as JsonObject,
        overrides: definition.overrides === null ? null : (withReferencesMarked(definition.overrides) as JsonObject),
        properties: withReferencesMarked(definition.properties) as JsonObject,
        protected: intent.action === "delete" ? isProtected(before) : definition.protected,
      },
    }),
  );
  return {
    allow: verdicts.every(({ allow }) => allow),
    violations: distinct(verdicts.flatMap(({ violations }) => violations)),
    warnings: distinct(verdicts.flatMap(({ warnings }) => warnings)),
    inputHash: hashOf(verdicts.map(({ inputHash }) => inputHash)),
  };
}

/** What is said about the whole intent (its team, its environment) is said once, not for each resource. */
function distinct(found: readonly Violation[]): Violation[] {
  const first = new Map<string, Violation>();
  let bytes = 0;
  for (const violation of found.map(shortened)) {
    const said = JSON.stringify([violation.rule, violation.pointer, violation.message]);
    if (first.has(said)) continue;
    bytes += Buffer.byteLength(JSON.stringify(violation));
    if (first.size === shown || (first.size > 0 && bytes > shownBytes)) break;
    first.set(said, violation);
  }
  return [...first.values()];
}

function shortened(violation: Violation): Violation {
  const pointer = pointerWithin(violation.pointer, longestText);
  return { ...violation, pointer, message: cut(violation.message), fix: cut(violation.fix) };
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
}

/**
 * What a delete meets. A lift that has not reached the provider lifts nothing there yet: the delete would overtake it, the
 * provider would refuse, and the object would stay behind as a resource that nobody can apply any more.
 */
function isProtected(before: ContextResource | null): boolean {
  return before?.definition == null || before.definition.protected || before.heldOutside;
}

function regionOf(target: JsonObject | undefined): string | null {
  return typeof target?.region === "string" ? target.region : null;
}
