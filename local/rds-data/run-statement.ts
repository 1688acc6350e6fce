import pg from "pg";
import type { BoundSql } from "./bind-parameters.ts";
import { DataApiError } from "./errors.ts";
import { responseBytes, rowBytes } from "./limits.ts";
import { builtInType, lookedUpType, type ResultType } from "./result-types.ts";
import type { Session } from "./sessions.ts";

export type Column = { name: string; type: ResultType; precision: number; scale: number };

/** What a statement did. `columns` is empty for one that returns no rows; values are in Postgres's text form. */
export type StatementResult = { columns: Column[]; rows: (string | null)[][]; updated: number };

type RawResult = { fields: pg.FieldDef[]; rows: (string | null)[][]; rowCount: number };

/**
 * Runs one statement in the extended protocol, which takes no second one.
 *
 * @throws {DataApiError} UnsupportedResultException for a type, a row or a result that the service would not return. As
 * there, the statement has had its effect by then.
 */
export async function runStatement(session: Session, sql: BoundSql): Promise<StatementResult> {
  const { fields, rows, rowCount } = await query(session.client, sql);
  await lookUpTypes(session, fields);
  const columns = fields.map((field) => toColumn(session, field));
  return { columns, rows, updated: fields.length > 0 ? 0 : rowCount };
}

const asText = { getTypeParser: () => (text: string) => text };

/** Rows beyond the limit are not kept, so that a careless select does not fill the memory. */
function query(client: pg.PoolClient, { text, values }: BoundSql): Promise<RawResult> {
  return new Promise((resolve, reject) => {
    const rows: (string | null)[][] = [];
    let bytes = 0;
    let tooLarge: DataApiError | undefined;
    // `queryMode` is missing from the driver's types.
    const config = { text, values, rowMode: "array", queryMode: "extended", types: asText };
    const statement = new pg.Query(config as unknown as pg.QueryConfig);
    statement.on("row", (row: unknown) => {
      const cells = row as (string | null)[];
      const size = cells.reduce((sum, cell) => sum + (cell === null ? 0 : Buffer.byteLength(cell)), 0);
      bytes += size;
      if (size > rowBytes) tooLarge ??= exceeds("a row", "64 KB");
      if (bytes > responseBytes) tooLarge ??= exceeds("data", "1 MB");
      if (tooLarge) rows.length = 0;
      else rows.push(cells);
    });
    statement.on("error", reject);
    statement.on("end", (result) => {
      if (tooLarge) reject(tooLarge);
      else resolve({ fields: result.fields, rows, rowCount: result.rowCount ?? 0 });
    });
    client.query(statement);
  });
}

function exceeds(what: string, limit: string): DataApiError {
  const message =
    what === "data"
      ? `The result exceeds the size limit ${limit}.`
      : `The result contains ${what} that exceeds the size limit ${limit}.`;
  return new DataApiError("UnsupportedResultException", message);
}

async function lookUpTypes({ client, types }: Session, fields: pg.FieldDef[]): Promise<void> {
  const unknown = fields.map((field) => field.dataTypeID).filter((oid) => !builtInType(oid) && !types.has(oid));
  if (unknown.length === 0) return;
  const { rows } = await client.query<{ oid: number; name: string; kind: string }>(
    "select oid::int8::int as oid, typname as name, typtype as kind from pg_catalog.pg_type where oid = any ($1::oid[])",
    [unknown],
  );
  for (const { oid, name, kind } of rows) types.set(oid, { name, isEnum: kind === "e" });
}

function toColumn(session: Session, field: pg.FieldDef): Column {
  const oid = field.dataTypeID;
  const type = builtInType(oid) ?? lookedUpType(session.types.get(oid));
  // numeric(p, s) and varchar(n) carry their measures in the modifier, plus 4.
  const modifier = field.dataTypeModifier - 4;
  if (modifier < 0) return { name: field.name, type, precision: 0, scale: 0 };
  if (type.kind === "decimal") return { name: field.name, type, precision: modifier >> 16, scale: modifier & 0x7ff };
  return { name: field.name, type, precision: modifier, scale: 0 };
}
