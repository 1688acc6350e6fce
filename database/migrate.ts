import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "./data-api.ts";

/** The lock that two migrations started at once meet at; any constant number that nothing else uses. */
const migrationLock = 7_243_001;

/**
 * Brings the schema up to date, forward only, all in one transaction: a migration that fails leaves everything as it was.
 * Started twice at once, the second waits and finds nothing left to do.
 *
 * @param folder holds `NNNN-what.sql`, run in order
 * @returns the names of the migrations that ran
 * @throws MigrationMissing when the database has a migration that the folder does not: it belongs to a newer Cairn
 */
export async function migrate(database: Database, folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-.+\.sql$/.test(name)).sort();
  return database.transaction(async ({ rows }) => {
    await rows(`select '1'::jsonb from pg_advisory_xact_lock(${migrationLock})`);
    await rows("create schema if not exists cairn");
    await rows(
      "create table if not exists cairn.migrations (name text primary key, applied_at timestamptz not null default now())",
    );
    const applied = new Set(await rows<string>("select to_jsonb(name) from cairn.migrations"));
    const unknown = [...applied].filter((name) => !names.includes(name));
    if (unknown.length > 0) throw new MigrationMissing(unknown);

    const pending = names.filter((name) => !applied.has(name));
    for (const name of pending) {
      for (const statement of statementsOf(await readFile(join(folder, name), "utf8"))) await rows(statement);
      await rows("insert into cairn.migrations (name) values (:name)", { name });
    }
    return pending;
  });
}

export class MigrationMissing extends Error {
  override readonly name = "MigrationMissing";
  constructor(names: string[]) {
    super(`The database was migrated by a newer Cairn: this one does not know ${names.join(", ")}.`);
  }
}

/** The Data API takes one statement a call: cuts a script at semicolons outside quotes, dollar quotes and comments. */
export function statementsOf(script: string): string[] {
  const token = /--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$[\s\S]*?\$\1\$|;/g;
  const statements: string[] = [];
  let start = 0;
  for (const match of script.matchAll(token)) {
    if (match[0] !== ";") continue;
    statements.push(script.slice(start, match.index));
    start = match.index + 1;
  }
  statements.push(script.slice(start));
  return statements.map((text) => text.trim()).filter((text) => text.replaceAll(/--[^\n]*/g, "").trim() !== "");
}
