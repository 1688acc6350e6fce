import type { Scope } from "../core/caller.ts";
import type { Page, PageRequest } from "../core/store.ts";
import type { Database, SqlParameters } from "./data-api.ts";

/** One database for each kind of API caller. */
export type ScopedDatabases = { api: Database; platform: Database };

/**
 * Runs a read under the scope's role in one round trip. Row-level security reads the team from a setting, which ends with the
 * statement's transaction. Each `offset 0` keeps its subquery from being pulled up, and the lateral reference to `ctx.team`
 * makes the setting happen before the scan: without the second, the planner is free to scan first, and a point read of a
 * small table finds nothing.
 *
 * @param query a select of one JSON column called `row`, with `ctx.team is not null` among its conditions
 */
export function scopedRows<T>(
  databases: ScopedDatabases,
  scope: Scope,
  query: string,
  parameters: SqlParameters,
): Promise<T[]> {
  return databaseFor(databases, scope).rows<T>(inScope(query), { ...parameters, scope: teamOf(scope) });
}

export function inScope(query: string): string {
  return `select r.row from (select set_config('cairn.team', :scope, true) as team offset 0) ctx cross join lateral (
    select q.row from (${query}) q where ctx.team is not null offset 0) r`;
}

export function databaseFor(databases: ScopedDatabases, scope: Scope): Database {
  return scope === "platform" ? databases.platform : databases.api;
}

/** The setting's value: empty for the platform, whose policy does not read it. */
export function teamOf(scope: Scope): string {
  return scope === "platform" ? "" : scope.team;
}

/**
 * A page stays below the Data API's 1 MiB answer, whatever the limit. The answer is JSON that holds the rows as text, in
 * which every quote and backslash of theirs is written as two.
 */
export const pageBytes = 500_000;

/**
 * A page of a keyed list, cut by `limit` and by bytes.
 *
 * @param list a select of `key` and `row`, with conditions `ctx.team is not null` and `key > :cursor`, ordered by the key and
 *   limited to `:limit`
 */
export async function scopedPage<T>(
  databases: ScopedDatabases,
  scope: Scope,
  list: string,
  parameters: SqlParameters,
  page: PageRequest,
): Promise<Page<T>> {
  const rows = await scopedRows<{ key: string; item: T; total: number }>(databases, scope, pageOf(list), {
    ...parameters,
    cursor: page.cursor,
    limit: page.limit + 1,
  });
  const shown = rows.slice(0, page.limit);
  const more = (rows[0]?.total ?? 0) > shown.length;
  return { items: shown.map(({ item }) => item), nextCursor: more ? (shown.at(-1)?.key ?? null) : null };
}

/** Keeps the list's own order: names joined by `!` sort otherwise than the names do, in most collations. */
export function pageOf(list: string): string {
  return `
    select json_build_object('key', c.key, 'item', c.row, 'total', c.total) as row
    from (
      select n.*, count(*) over () as total, sum(octet_length(n.row::text)) over (order by n.position) as bytes
      from (select l.key, l.row, row_number() over () as position from (${list}) l) n
    ) c
    where c.position = 1 or c.bytes <= ${pageBytes}
    order by c.position`;
}
