import { sameJson } from "../../core/json.ts";
import type { Check } from "./party.ts";
import { seenBy } from "./party.ts";

const terminal = new Set(["READY", "FAILED", "SUPERSEDED", "DELETED"]);
const closed = new Set(["SUCCEEDED", "FAILED", "SUPERSEDED"]);

/** I2, I3: what was answered 202 is there and has ended, and nothing else is there. */
export const intentsAreKept: Check = function* ({ records, evidence }) {
  const promised = new Set<string>();
  for (const { view } of records.flatMap(({ accepted }) => accepted)) {
    promised.add(view.id);
    const now = evidence.intents.get(view.id);
    if (now === undefined) yield { law: "I2", what: `intent ${view.id} was answered 202 and is not there` };
    else if (!terminal.has(now.status)) yield { law: "I2", what: `intent ${view.id} is still ${now.status}` };
    else if (!sameJson(idsIn(now.resources), idsIn(view.resources)))
      yield { law: "I2", what: `intent ${view.id} has other resources than it was answered with` };
  }
  for (const id of evidence.tables.intents)
    if (!promised.has(id)) yield { law: "I1", what: `intent ${id} is there, and nobody was told of it` };
  for (const { id, status, resource } of evidence.tables.operations)
    if (!closed.has(status)) yield { law: "I3", what: `operation ${id} of ${resource} is still ${status}` };
  for (const id of evidence.tables.lostRuns) yield { law: "I3", what: `drift run ${id} never ends` };
};

/** I6: every key is answered what it was answered first, to the byte, and is bound to that intent alone. */
export const answersAreKept: Check = function* ({ records, evidence }) {
  const bound = new Map(evidence.tables.keys.map(({ team, key, intent }) => [`${team} ${key}`, intent]));
  for (const { team, accepted } of records) {
    for (const { key, text, view } of accepted) {
      const now = evidence.replays.get(key);
      if (now?.status !== 202 || now.text !== text || !now.replayed)
        yield { law: "I6", what: `key ${key} was answered ${text} and is now answered ${now?.status} ${now?.text}` };
      const intent = bound.get(`${team} ${key}`);
      if (intent !== view.id) yield { law: "I6", what: `key ${key} is bound to ${intent}, not to ${view.id}` };
      bound.delete(`${team} ${key}`);
    }
  }
  for (const [key, intent] of bound) yield { law: "I6", what: `key ${key} is bound to ${intent}, and nobody was told` };
};

/** I2, I3: what was accepted last is what there is; a resource that nobody was told of would be one too many. */
export const resourcesAreKept: Check = function* (party) {
  const { evidence, mended } = party;
  const told = new Set<string>();
  for (const { record, known, status, about } of seenBy(party)) {
    told.add(known.id);
    const wanted = record.deleted.has(known.id) ? "DELETED" : "READY";
    const now = evidence.resources.get(known.id);
    if (status === wanted && now?.name === known.name) continue;
    if (status === "FAILED" && !mended) continue;
    yield { law: "I3", what: `${about} has to be ${wanted} and is ${status}: ${JSON.stringify(now?.reason ?? null)}` };
  }
  for (const { id } of evidence.tables.resources)
    if (!told.has(id)) yield { law: "I1", what: `resource ${id} is there, and nobody was told of it` };
};

function idsIn(resources: readonly { id: string }[]): string[] {
  return resources.map(({ id }) => id).sort();
}
