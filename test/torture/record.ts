import type { IntentView } from "../../core/intent.ts";
import { requestOf, type Wish } from "./wishes.ts";

export type Place = { team: string; service: string; environment: string };

/** An intent as one developer means it. */
export type Wanted =
  | ({ action: "apply"; wishes: { [name: string]: Wish } } & Place)
  /** null: everything. */
  | ({ action: "delete"; names: string[] | null } & Place);

export type Known = { id: string; name: string; wish: Wish };

/** An intent that was answered 202, with the answer as it was heard. */
export type Accepted = { key: string; document: object; text: string; view: IntentView };

/**
 * What one developer knows of a service, from the answers alone. Nobody else changes the service, so this is what Cairn has to
 * come to, whatever happened in between.
 */
export type ServiceRecord = Place & {
  /** By name, in the order in which they came to be. */
  live: Map<string, Known>;
  /** By id. */
  deleted: Map<string, Known>;
  accepted: Accepted[];
};

export function newRecord(place: Place): ServiceRecord {
  return { ...place, live: new Map(), deleted: new Map(), accepted: [] };
}

export function documentOf(wanted: Wanted): object {
  const { team, service, environment } = wanted;
  if (wanted.action === "delete") {
    const named =
      wanted.names === null ? {} : { resources: Object.fromEntries(wanted.names.map((name) => [name, {}])) };
    return { action: "delete", team, service, environment, ...named };
  }
  const resources = Object.fromEntries(Object.entries(wanted.wishes).map(([name, wish]) => [name, requestOf(wish)]));
  return { action: "apply", team, service, environment, resources };
}

/**
 * Takes note of a 202, and says where it contradicts what the earlier ones said: a resource that was there has to be the same
 * one, a new one has to be new.
 */
export function takeNote(record: ServiceRecord, key: string, wanted: Wanted, text: string): string[] {
  const view = JSON.parse(text) as IntentView;
  record.accepted.push({ key, document: documentOf(wanted), text, view });
  const about = `${record.team}/${record.service}, intent ${view.id}`;
  return wanted.action === "apply" ? noteApply(record, wanted, view, about) : noteDelete(record, wanted, view, about);
}

function noteApply(
  record: ServiceRecord,
  { wishes }: Wanted & { action: "apply" },
  view: IntentView,
  about: string,
): string[] {
  const faults: string[] = [];
  const ids = new Map(view.resources.map(({ name, id }) => [name, id]));
  for (const [name, wish] of Object.entries(wishes)) {
    const id = ids.get(name);
    const before = record.live.get(name);
    if (id === undefined) faults.push(`${about}: the answer does not name ${name}`);
    else if (before !== undefined && before.id !== id) faults.push(`${about}: ${name} was ${before.id} and is ${id}`);
    else if (before === undefined && record.deleted.has(id))
      faults.push(`${about}: ${name} is the deleted ${id} again`);
    else record.live.set(name, { id, name, wish });
  }
  if (ids.size !== Object.keys(wishes).length) faults.push(`${about}: the answer names others than were asked for`);
  return faults;
}

function noteDelete(
  record: ServiceRecord,
  { names }: Wanted & { action: "delete" },
  view: IntentView,
  about: string,
): string[] {
  const faults: string[] = [];
  const going = names ?? [...record.live.keys()];
  const ids = new Set(view.resources.map(({ id }) => id));
  for (const name of going) {
    const known = record.live.get(name);
    if (known === undefined) continue;
    if (!ids.has(known.id)) faults.push(`${about}: the answer does not name ${name} (${known.id})`);
    record.live.delete(name);
    record.deleted.set(known.id, known);
  }
  // One whose deletion is still under way may be named again.
  const stranger = [...ids].find((id) => !record.deleted.has(id));
  if (stranger !== undefined) faults.push(`${about}: the answer names ${stranger}, which was not asked for`);
  return faults;
}
