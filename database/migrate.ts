import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "./data-api.ts";

/** The lock that two migrations started at once meet at; any constant number that nothing else uses. */
const migrationLock = 7_243_001;

/** The routines' row among the migrations: greater than any number, so no version of Cairn takes it for a migration. */
const routinesRow = "routines";

/**
 * Brings the schema up to date, forward only, all in one transaction: what fails leaves everything as it was. Started twice at
 * once, the second waits and finds nothing left to do.
 *
 * First the migrations that have not run; then, after one of them or when their texts are others than the last, all routines: one
 * definition of each SQL function. So code that is rolled back to the same migrations gets its own functions back.
 *
 * A database that is ahead of these files is left as it is, routines included: migrations keep the code before them working, and a
 * deployment that is rolled back runs the older Cairn's migrate against what the newer one made.
 *
 * @param folder holds `migrations/NNNN-what.sql`, each run once, and `routines/family.sql`, run again and again; both in order
 * @returns the names of the migrations that ran, and `routines` if those did
 * @throws {MigrationMismatch} when a migration that ran has another text here, or is not among these files and older than the newest
 */
export async function migrate(database: Database, folder: string): Promise<string[]> {
  const migrations = await readScripts(join(folder, "migrations"), /^\d{4}-.+\.sql$/);
  const routines = await readScripts(join(folder, "routines"), /\.sql$/);
  const routinesHash = hashOf([...routines].map(([name, { hash }]) => `${name} ${hash}`).join("\n"));
  return database.transaction(async ({ rows }) => {
    await rows(`select '1'::jsonb from pg_advisory_xact_lock(${migrationLock})`);
    await rows("create schema if not exists cairn");
    await rows(
      "create table if not exists cairn.migrations (name text primary key, hash text not null, applied_at timestamptz not null default now())",
    );
    const applied = await rows<{ name: string; hash: string }>("select to_jsonb(m) from cairn.migrations m");
    const newest = [...migrations.keys()].at(-1) ?? "";
    const others = applied.filter(({ name, hash }) => name <= newest && migrations.get(name)?.hash !== hash);
    if (others.length > 0) throw new MigrationMismatch(others.map(({ name }) => name).sort());

    const known = new Map(applied.map(({ name, hash }) => [name, hash]));
    const ran: string[] = [];
    for (const [name, { script, hash }] of migrations) {
      if (known.has(name)) continue;
      for (const statement of statementsOf(script)) await rows(statement);
      await rows("insert into cairn.migrations (name, hash) values (:name, :hash)", { name, hash });
      ran.push(name);
    }

    const ahead = applied.some(({ name }) => name > newest && name !== routinesRow);
    if (ahead || (ran.length === 0 && known.get(routinesRow) === routinesHash)) return ran;
    for (const { script } of routines.values()) for (const statement of statementsOf(script)) await rows(statement);
    await rows(
      `insert into cairn.migrations (name, hash) values (:name, :hash)
       on conflict (name) do update set hash = excluded.hash, applied_at = now()`,
      { name: routinesRow, hash: routinesHash },
    );
    return [...ran, routinesRow];
  });
}

/** By file name, in the order of the names. */
async function readScripts(folder: string, wanted: RegExp): Promise<Map<string, { script: string; hash: string }>> {
  const names = (await readdir(folder)).filter((name) => wanted.test(name)).sort();
  const read = names.map(async (name) => {
    const script = await readFile(join(folder, name), "utf8");
    return [name, { script, hash: hashOf(script) }] as const;
  });
  return new Map(await Promise.all(read));
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export class MigrationMismatch extends Error {
  override readonly name = "MigrationMismatch";
  constructor(names: string[]) {
    super(`the database was migrated by another version of Cairn, which differs in ${names.join(", ")}`);
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
