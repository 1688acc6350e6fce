import { atPointer, type JsonObject, sameJson } from "../../core/json.ts";
import type { Violation } from "../simulation/violation.ts";
import type { LedgerItem } from "../support/machine.ts";
import { ownerOf } from "./owners.ts";
import { type Check, isOnCluster, type Party, type Seen, seenBy, touched } from "./party.ts";
import { shownBy } from "./wishes.ts";

/** I1, I5: one object at a time, made once and once more for each time that somebody else removed it, and as it is wanted. */
export const cloudHoldsWhatIsWanted: Check = function* (party) {
  const { evidence, tampered } = party;
  const everything = seenBy(party);
  const ids = everything.map(({ known }) => known.id);
  const owned = Map.groupBy(evidence.ledger, (item) => ownerOf(item, ids));
  for (const seen of everything) {
    const { known, status, about } = seen;
    if (isOnCluster(seen)) continue;
    const items = owned.get(known.id) ?? [];
    owned.delete(known.id);
    yield* oneAtATime(about, items);
    const removed = tampered.filter(({ resource, how }) => resource === known.id && how === "deleted").length;
    if (items.length > 1 + removed) yield { law: "I5", what: `${about} was made ${items.length} times` };
    const living = items.find(({ deletedAt }) => deletedAt === null);
    if (status === "DELETED" && living !== undefined)
      yield { law: "I5", what: `${about} is DELETED, and ${living.identifier} lives` };
    if (status !== "READY" || touched(party, seen)) continue;
    if (living === undefined) yield { law: "I5", what: `${about} is READY, and there is nothing` };
    else yield* asWanted(party, seen, living.properties as JsonObject);
  }
  for (const [owner, items] of owned)
    yield { law: "I1", what: `${items[0]?.typeName} ${items[0]?.identifier} belongs to no resource (owner ${owner})` };
};

/** The same for databases: each with its role and a secret that opens it, and nothing of what is gone. */
export const clusterHoldsWhatIsWanted: Check = function* (party) {
  const { evidence } = party;
  const databases = Map.groupBy(evidence.databases, ({ owner }) => owner);
  const roles = Map.groupBy(evidence.roles, ({ owner }) => owner);
  for (const seen of seenBy(party).filter(isOnCluster)) {
    const { known, status, about } = seen;
    const [database, ...more] = databases.get(known.id) ?? [];
    const parts = [database, ...more, ...(roles.get(known.id) ?? [])].filter((part) => part !== undefined).length;
    databases.delete(known.id);
    roles.delete(known.id);
    if (more.length > 0) yield { law: "I1", what: `${about} has ${more.length + 1} databases` };
    if (status === "DELETED" && parts > 0)
      yield { law: "I5", what: `${about} is DELETED, and something of it is on the cluster` };
    if (status !== "READY" || touched(party, seen)) continue;
    const opens = evidence.logins.get(known.id);
    if (database === undefined || parts !== 2)
      yield { law: "I5", what: `${about} is READY, and has ${parts} parts of 2` };
    else if (opens !== "open") yield { law: "I5", what: `${about} does not open with its secret: ${opens}` };
    else yield* asWanted(party, seen, { ConnectionLimit: database.connectionLimit });
  }
  for (const { name } of [...databases.values(), ...roles.values()].flat())
    yield { law: "I1", what: `${name} on the cluster belongs to no resource` };
};

/** And for secrets: one for each secret and each database on the cluster, one of RDS's for each instance, beside Cairn's own. */
export const secretsAreThere: Check = function* (party) {
  const { evidence } = party;
  const owned = Map.groupBy(evidence.secrets, ({ owner }) => owner);
  for (const seen of seenBy(party)) {
    const { known, status, about } = seen;
    const found = owned.get(known.id)?.length ?? 0;
    owned.delete(known.id);
    const wanted = status === "READY" && (known.wish.type === "secret" || isOnCluster(seen)) ? 1 : 0;
    if ((status === "READY" || status === "DELETED") && found !== wanted && !touched(party, seen))
      yield { law: "I5", what: `${about} is ${status} and has ${found} secrets` };
  }
  const others = (owned.get(null) ?? []).filter(({ name }) => !name.startsWith("cairn/store/"));
  owned.delete(null);
  for (const { name, owner } of [...owned.values()].flat())
    yield { law: "I1", what: `secret ${name} belongs to ${owner}, which nobody was told of` };
  const instances = evidence.ledger.filter(
    ({ typeName, deletedAt }) => typeName === "AWS::RDS::DBInstance" && deletedAt === null,
  );
  if (others.some(({ name }) => !name.startsWith("rds!")) || others.length !== instances.length)
    yield { law: "I5", what: `${instances.length} instances, and ${others.length} secrets that nobody owns` };
};

function* oneAtATime(about: string, items: readonly LedgerItem[]): Iterable<Violation> {
  const byTime = items.toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1));
  for (const [index, { createdAt }] of byTime.entries()) {
    const before = byTime[index - 1];
    if (before !== undefined && (before.deletedAt === null || before.deletedAt > createdAt))
      yield { law: "I1", what: `${about} had two objects at once, the second one from ${createdAt}` };
  }
}

function* asWanted({ evidence }: Party, { record, known, about }: Seen, shown: JsonObject): Iterable<Violation> {
  const outputs = Object.fromEntries(
    known.wish.uses.map((name) => [name, evidence.resources.get(record.live.get(name)?.id ?? "")?.outputs ?? {}]),
  );
  for (const [pointer, wanted] of Object.entries(shownBy(known.wish, record.environment, outputs))) {
    const found = atPointer(shown, pointer) ?? null;
    if (sameJson(found, wanted)) continue;
    const what = `is READY with ${pointer} ${JSON.stringify(found)}, and ${JSON.stringify(wanted)} is wanted`;
    yield { law: "I5", what: `${about} ${what}` };
  }
}
