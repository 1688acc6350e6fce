import type { JsonObject } from "./json.ts";
import type { Cloud } from "./open-cloud.ts";

/** One object of the cloud, alive or gone. */
export type CloudObject = {
  typeName: string;
  identifier: string;
  uniqueName: string;
  /** `cloud-control`, or the service that made it for itself; the ledger is about the former. */
  madeBy: string;
  clientToken: string | null;
  createdAt: number;
  deletedAt: number | null;
  properties: JsonObject;
};

export function findObject(cloud: Cloud, typeName: string, identifier: string): CloudObject | undefined {
  return select(cloud, "type_name = ? and identifier = ? and deleted_at is null", typeName, identifier)[0];
}

export function findByUniqueName(cloud: Cloud, typeName: string, uniqueName: string): CloudObject | undefined {
  return select(cloud, "type_name = ? and unique_name = ? and deleted_at is null", typeName, uniqueName)[0];
}

/** Live objects of a type after an identifier, in its order. */
export function listObjects(cloud: Cloud, typeName: string, after = ""): CloudObject[] {
  return select(cloud, "type_name = ? and identifier > ? and deleted_at is null order by identifier", typeName, after);
}

/** Every object Cloud Control ever made, oldest first. */
export function ledger(cloud: Cloud): CloudObject[] {
  return select(cloud, "made_by = ? order by id", "cloud-control");
}

export function insertObject(cloud: Cloud, object: Omit<CloudObject, "deletedAt">): void {
  cloud.db
    .prepare(
      `insert into objects (type_name, identifier, unique_name, made_by, client_token, created_at, properties)
       values (?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      object.typeName,
      object.identifier,
      object.uniqueName,
      object.madeBy,
      object.clientToken,
      object.createdAt,
      JSON.stringify(object.properties),
    );
}

export function updateObject(cloud: Cloud, typeName: string, identifier: string, properties: JsonObject): void {
  cloud.db
    .prepare("update objects set properties = ? where type_name = ? and identifier = ? and deleted_at is null")
    .run(JSON.stringify(properties), typeName, identifier);
}

export function deleteObject(cloud: Cloud, typeName: string, identifier: string, at: number): void {
  cloud.db
    .prepare("update objects set deleted_at = ? where type_name = ? and identifier = ? and deleted_at is null")
    .run(at, typeName, identifier);
}

function select(cloud: Cloud, condition: string, ...values: string[]): CloudObject[] {
  const rows = cloud.db.prepare(`select * from objects where ${condition}`).all(...values);
  return rows.map((row) => ({
    typeName: String(row.type_name),
    identifier: String(row.identifier),
    uniqueName: String(row.unique_name),
    madeBy: String(row.made_by),
    clientToken: row.client_token === null ? null : String(row.client_token),
    createdAt: Number(row.created_at),
    deletedAt: row.deleted_at === null ? null : Number(row.deleted_at),
    properties: JSON.parse(String(row.properties)) as JsonObject,
  }));
}
