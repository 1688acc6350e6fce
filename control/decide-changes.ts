import type { Definition, GoldenPaths } from "../core/definition.ts";
import { type FieldError, maxFaults } from "../core/field-error.ts";
import type { Intent } from "../core/intent.ts";
import { hashOf, type Json, pointerTo } from "../core/json.ts";
import { findReferences } from "../core/reference.ts";
import type { Change, ContextResource, IntentContext } from "../core/store.ts";
import { findCycle } from "./find-cycle.ts";

/** What an intent does to one resource. `definition` is as wanted by an apply, as it stands for a delete. */
export type DecidedChange = {
  id: string;
  name: string;
  change: Change["change"];
  before: ContextResource | null;
  definition: Definition;
  hash: string;
  dependsOn: string[];
};

export type Decided =
  | {
      outcome: "decided";
      changes: DecidedChange[];
      /** The decision rests on other resources of the service as well, so it holds at this version only. */
      entangled: boolean;
    }
  | { outcome: "invalid"; errors: FieldError[] }
  | { outcome: "referenced"; pointer: string; by: string[]; message: string }
  | { outcome: "replacement-required"; pointers: string[]; message: string };

/** The outputs of all that a resource uses are read in one row of the Data API (64 KB), beside its definition (up to 32 KiB). */
const maxDependencies = 50;

/**
 * Whoever deletes all that a service has names nothing, and yet an intent, its answer and its decision are one row each: 250
 * resources take up to 45 KB in one.
 */
const maxDeletions = 250;

type Deps = { goldenPaths: GoldenPaths; newId: () => string };

/** Decides, from what is known about the service in the environment, what an intent changes. Pure but for new ids. */
export function decideChanges(deps: Deps, intent: Intent, context: IntentContext): Decided {
  return intent.action === "apply" ? decideApply(deps, intent, context) : decideDelete(intent, context);
}

function decideApply(deps: Deps, intent: Intent & { action: "apply" }, context: IntentContext): Decided {
  const errors: FieldError[] = [];
  const live = new Map(
    context.resources.filter((resource) => !resource.deleting).map((resource) => [resource.name, resource]),
  );
  const wanted = new Map<string, { id: string; before: ContextResource | null; definition: Definition }>();

  for (const [name, request] of Object.entries(intent.resources)) {
    if (errors.length >= maxFaults) break;
    const before = live.get(name) ?? null;
    const id = before?.id ?? deps.newId();
    const resolved = deps.goldenPaths.resolve({
      pointer: pointerTo("/resources", name),
      // A resource stays on the version of its golden path until its team names another.
      request:
        before?.type === request.type && request.version === undefined
          ? { ...request, version: before.version }
          : request,
      resourceId: id,
      team: intent.team,
      service: intent.service,
      environment: intent.environment,
      tier: context.environment?.tier ?? "production",
      name,
      targets: context.targets,
    });
    if (resolved.ok) wanted.set(name, { id, before, definition: resolved.definition });
    else errors.push(...resolved.errors);
  }

  const edges = new Map([...live.values()].map((resource) => [resource.id, resource.dependsOn]));
  for (const [name, { id, definition }] of wanted) {
    const used = new Set<string>();
    for (const reference of referencesOf(definition, pointerTo("/resources", name))) {
      const target = wanted.get(reference.name) ?? live.get(reference.name);
      if (target === undefined) {
        if (Object.hasOwn(intent.resources, reference.name)) continue;
        errors.push({
          pointer: reference.pointer,
          message: `there is no resource "${reference.name}" in this intent or in ${intent.environment}`,
        });
        continue;
      }
      const keys =
        "definition" in target && target.definition !== null
          ? Object.keys(target.definition.outputs)
          : (target as ContextResource).outputKeys;
      if (!keys.includes(reference.key)) {
        errors.push({
          pointer: reference.pointer,
          message: `"${reference.name}" has no output "${reference.key}"; it has ${keys.join(", ") || "none"}`,
        });
      }
      used.add(target.id);
    }
    if (used.size > maxDependencies) {
      errors.push({
        pointer: pointerTo("/resources", name),
        message: `it uses outputs of ${used.size} other resources, and one can use those of ${maxDependencies}`,
      });
    }
    edges.set(id, [...used]);
  }
  if (errors.length > 0) return { outcome: "invalid", errors };

  const names = new Map(
    [...live.values(), ...[...wanted].map(([name, { id }]) => ({ name, id }))].map(({ id, name }) => [id, name]),
  );
  const cycle = findCycle(edges);
  if (cycle !== null) {
    const path = cycle.map((id) => names.get(id) ?? id);
    const pointer = pointerTo("/resources", path.find((name) => wanted.has(name)) ?? "");
    return {
      outcome: "invalid",
      errors: [{ pointer, message: `these resources need each other: ${path.join(" → ")}` }],
    };
  }

  const changes: DecidedChange[] = [];
  for (const [name, { id, before, definition }] of wanted) {
    const hash = hashOf(definition as unknown as Json);
    const dependsOn = edges.get(id) ?? [];
    const change = changeFrom(before, hash);
    if (change === "update" && before?.definition) {
      const pointers = deps.goldenPaths.replacements(before.definition, definition);
      const moved = before.definition.kind !== definition.kind;
      if (pointers.length > 0 && (before.identifier !== null || before.status !== "FAILED" || moved)) {
        return replacementRequired(name, pointers);
      }
    }
    changes.push({ id, name, change, before, definition, hash, dependsOn });
  }
  return { outcome: "decided", changes, entangled: changes.some(({ dependsOn }) => dependsOn.length > 0) };
}

function changeFrom(before: ContextResource | null, hash: string): Change["change"] {
  if (before === null) return "create";
  if (before.definitionHash !== hash) return "update";
  return before.status === "FAILED" ? "retry" : "none";
}

function replacementRequired(name: string, pointers: string[]): Decided {
  return {
    outcome: "replacement-required",
    pointers: pointers.map((pointer) => pointerTo("/resources", name) + pointer),
    message: `"${name}" can only be changed like this by replacing it: delete it first, or ask for it under another name`,
  };
}

/** References where the caller wrote them, so that an error points into the intent. */
function referencesOf(definition: Definition, pointer: string) {
  return [
    ...findReferences(definition.parameters, pointerTo(pointer, "parameters")),
    ...findReferences(definition.overrides, pointerTo(pointer, "overrides")),
    ...findReferences(definition.properties, pointer).map((reference) => ({ ...reference, pointer })),
  ].filter(
    (reference, index, all) =>
      all.findIndex(({ name, key }) => name === reference.name && key === reference.key) === index,
  );
}

function decideDelete(intent: Intent & { action: "delete" }, context: IntentContext): Decided {
  const chosen =
    intent.resources === null
      ? context.resources
      : context.resources.filter(({ name }) => intent.resources?.includes(name));
  if (context.version === 0 && context.resources.length === 0) {
    return {
      outcome: "invalid",
      errors: [{ pointer: "/service", message: `there is no service "${intent.service}" in ${intent.environment}` }],
    };
  }
  const missing = (intent.resources ?? []).filter((name) => !chosen.some((resource) => resource.name === name));
  if (missing.length > 0) {
    const message = `there is no such resource of ${intent.service} in ${intent.environment}`;
    return { outcome: "invalid", errors: missing.map((name) => ({ pointer: pointerTo("/resources", name), message })) };
  }

  if (chosen.length > maxDeletions) {
    const message = `${intent.service} has ${chosen.length} resources in ${intent.environment}, and one intent deletes ${maxDeletions} at most: name which, what uses others first`;
    return { outcome: "invalid", errors: [{ pointer: "/resources", message }] };
  }

  const going = new Set(chosen.map(({ id }) => id));
  for (const resource of chosen) {
    const by = context.resources.filter(
      (other) => !other.deleting && !going.has(other.id) && other.dependsOn.includes(resource.id),
    );
    if (by.length > 0) {
      const users = by.map(({ name }) => name);
      return {
        outcome: "referenced",
        pointer: pointerTo("/resources", resource.name),
        by: users,
        message: `"${resource.name}" is used by ${users.join(", ")}: delete them with it, or apply them without the reference first`,
      };
    }
  }

  const changes = chosen.flatMap((before): DecidedChange[] => {
    const { id, name, definition } = before;
    if (definition === null) return [];
    const change = before.deleting ? (before.status === "FAILED" ? "retry" : "none") : "delete";
    return [{ id, name, change, before, definition, hash: before.definitionHash, dependsOn: before.dependsOn }];
  });
  return { outcome: "decided", changes, entangled: true };
}
