import type { JsonObject } from "../../core/json.ts";

/** Every object that ever lived at a provider. It counts as living from the moment its creation was taken, as its bill does. */
export type LedgerObject = {
  kind: string;
  identifier: string;
  /** The id of the resource that it belongs to, by its mark. */
  owner: string;
  properties: JsonObject;
  token: string | null;
  /** When reads show it: after its creation has ended, and a while later where reads are stale. */
  visibleAt: number;
  deletedAt: number | null;
  deletedBy: "cairn" | "person" | "failure" | null;
  /** A person changed it, and nothing has put it right since. */
  drifted: boolean;
};

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger() {
  const objects: LedgerObject[] = [];
  return {
    objects,
    add(
      object: Pick<LedgerObject, "kind" | "identifier" | "owner" | "properties"> & Partial<LedgerObject>,
    ): LedgerObject {
      const added = { token: null, visibleAt: 0, deletedAt: null, deletedBy: null, drifted: false, ...object };
      objects.push(added);
      return added;
    },
    take(object: LedgerObject, by: NonNullable<LedgerObject["deletedBy"]>, at: number): void {
      if (object.deletedAt !== null) return;
      object.deletedAt = at;
      object.deletedBy = by;
    },
    live: (kind: string, identifier: string): LedgerObject | undefined =>
      objects.find((one) => one.deletedAt === null && one.kind === kind && one.identifier === identifier),
  };
}
