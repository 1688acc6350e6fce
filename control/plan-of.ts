import type { Intent } from "../core/intent.ts";
import { isObject, type Json, pointerTo, sameJson } from "../core/json.ts";
import type { Plan } from "../core/plan.ts";
import type { IntentContext } from "../core/store.ts";
import type { DecidedChange } from "./decide-changes.ts";
import type { Judgement } from "./judge.ts";

/** Says what the changes would do, per property of the provider's object. */
export function planOf(
  intent: Intent,
  changes: readonly DecidedChange[],
  context: IntentContext,
  verdict: Judgement,
): Plan {
  const names = new Map([...context.resources, ...changes].map(({ id, name }) => [id, name]));
  const prices = changes.flatMap(({ definition }) =>
    intent.action === "apply" && definition.monthlyPrice ? [definition.monthlyPrice] : [],
  );
  return {
    action: intent.action,
    team: intent.team,
    service: intent.service,
    environment: intent.environment,
    allow: verdict.allow,
    violations: verdict.violations,
    warnings: verdict.warnings,
    monthlyPrice: sum(prices),
    resources: changes.map(({ name, change, before, definition, dependsOn }) => ({
      name,
      type: definition.type,
      version: definition.version,
      change,
      provider: definition.provider,
      kind: definition.kind,
      differences:
        change === "delete"
          ? differences(definition.properties, null)
          : differences(before?.definition?.properties ?? null, definition.properties),
      dependsOn: dependsOn.map((id) => names.get(id) ?? id),
    })),
  };
}

function sum(prices: readonly { amount: number; currency: string }[]): { amount: number; currency: string } | null {
  const [first] = prices;
  if (first === undefined || prices.some(({ currency }) => currency !== first.currency)) return null;
  const cents = prices.reduce((total, { amount }) => total + Math.round(amount * 100), 0);
  return { amount: cents / 100, currency: first.currency };
}

function differences(before: Json, after: Json, pointer = ""): Plan["resources"][number]["differences"] {
  if (sameJson(before, after)) return [];
  const keys = [...new Set([...membersOf(before), ...membersOf(after)])].sort();
  if (keys.length === 0 || !comparable(before) || !comparable(after)) return [{ pointer, before, after }];
  return keys.flatMap((key) => differences(member(before, key), member(after, key), pointerTo(pointer, key)));
}

/** Where one side has nothing, each member of the other is shown by itself. */
function comparable(value: Json): boolean {
  return value === null || isObject(value);
}

function membersOf(value: Json): string[] {
  return isObject(value) ? Object.keys(value) : [];
}

function member(value: Json, key: string): Json {
  return isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? null) : null;
}
