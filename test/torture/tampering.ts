import { randomUUID } from "node:crypto";
import { DeleteResourceCommand, UpdateResourceCommand } from "@aws-sdk/client-cloudcontrol";
import pg from "pg";
import type { Endpoints } from "../../local/start-machine.ts";
import type { Random } from "../simulation/random.ts";
import { awsClients, ledgerOf } from "../support/machine.ts";
import { ownerOf } from "./owners.ts";
import type { ServiceRecord } from "./record.ts";
import { tampering } from "./wishes.ts";

/** What somebody did to an object behind Cairn's back, or tried to: the answer may have been lost. */
export type Tampered = { resource: string; how: "changed" | "deleted" };

/** Tokens of these calls begin so, and those of Cairn never do. */
export const tamperingToken = "by-hand-";

/**
 * Changes or deletes one object of one of these services. What was about to be done is written down first, as nobody knows
 * whether it has happened when everything is killed before the answer.
 */
export async function tamper(
  endpoints: Endpoints,
  records: readonly ServiceRecord[],
  random: Random,
  note: (tampered: Tampered) => void,
): Promise<void> {
  const record = random.pick(records);
  const owned = [...record.live.values()];
  if (owned.length === 0) return;
  const { id, wish } = random.pick(owned);
  const how = random.chance(0.25) ? "deleted" : "changed";
  if (wish.type === "postgres" && record.environment !== "production") {
    return tamperWithDatabase(endpoints, { resource: id, how }, note);
  }
  const object = (await ledgerOf(endpoints)).find((item) => item.deletedAt === null && ownerOf(item, [id]) === id);
  const change = tampering(wish.type, record.environment, random);
  if (object === undefined || (how === "changed" && change === null)) return;

  note({ resource: id, how });
  const { cloudControl } = awsClients(endpoints);
  const place = {
    TypeName: object.typeName,
    Identifier: object.identifier,
    ClientToken: `${tamperingToken}${randomUUID()}`,
  };
  const command =
    how === "deleted"
      ? new DeleteResourceCommand(place)
      : new UpdateResourceCommand({ ...place, PatchDocument: JSON.stringify([{ op: "replace", ...change }]) });
  await cloudControl.send(command as DeleteResourceCommand).finally(() => cloudControl.destroy());
}

async function tamperWithDatabase(
  { postgres }: Endpoints,
  tampered: Tampered,
  note: (tampered: Tampered) => void,
): Promise<void> {
  const client = new pg.Client({ connectionString: postgres, connectionTimeoutMillis: 3000 });
  // The server may be killed at any moment, and that is the point.
  client.on("error", () => undefined);
  await client.connect();
  try {
    const marker = `cairn:resource-id=${tampered.resource}`;
    const found = await client.query<{ datname: string }>(
      "select datname from pg_database where shobj_description(oid, 'pg_database') = $1",
      [marker],
    );
    const database = found.rows[0]?.datname;
    if (database === undefined) return;
    note(tampered);
    const quoted = pg.escapeIdentifier(database);
    await client.query(
      tampered.how === "deleted"
        ? `drop database ${quoted} with (force)`
        : `alter database ${quoted} connection limit 3`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
