import type { Violation } from "../simulation/violation.ts";
import type { Evidence } from "./evidence.ts";
import type { Known, ServiceRecord } from "./record.ts";
import type { Tampered } from "./tampering.ts";

/** What is held against each other. */
export type Party = {
  records: readonly ServiceRecord[];
  evidence: Evidence;
  tampered: readonly Tampered[];
  /** Everything was changed once more since the last fault: nothing may have failed, and nothing that others did may show. */
  mended: boolean;
};

export type Check = (party: Party) => Iterable<Violation>;

/** A resource that a developer was told of, and what the API says about it. */
export type Seen = { record: ServiceRecord; known: Known; status: string | undefined; about: string };

export function seenBy({ records, evidence }: Party): Seen[] {
  return records.flatMap((record) =>
    [...record.live.values(), ...record.deleted.values()].map((known) => ({
      record,
      known,
      status: evidence.resources.get(known.id)?.status,
      about: `${record.team}/${record.service} ${known.name} (${known.id})`,
    })),
  );
}

/** Somebody had a hand in it, and nothing has put it right since. */
export function touched({ tampered, mended }: Party, { known }: Seen): boolean {
  return !mended && tampered.some(({ resource }) => resource === known.id);
}

/** A database with a role; in production it is an instance of the cloud's. */
export function isOnCluster({ record, known }: Seen): boolean {
  return known.wish.type === "postgres" && record.environment !== "production";
}
