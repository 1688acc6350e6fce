import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import type { Database, SqlParameters, SqlValue } from "../../database/data-api.ts";
import { migrate } from "../../database/migrate.ts";
import { type Written, writtenFunction } from "./written.ts";

export type StoreRole = "cairn_api" | "cairn_platform" | "cairn_worker";

/**
 * A real Postgres engine in this process, with one session, and so with one order of everything. It runs the product's own
 * migrations and statements under the product's own roles (`set role`: row-level security stays on). Time and chance come
 * from outside: unqualified `now()`, `random()` and `gen_random_uuid()` are found in the schema `sim` before `pg_catalog`.
 */
export type SimStore = {
  /** One statement under a role, in a transaction of its own, and the rows that this has written. */
  run(
    role: StoreRole,
    sql: string,
    parameters: SqlParameters,
  ): Promise<{ values: (string | null)[]; written: Written | null }>;
  /** As the superuser, past row-level security: for the checker alone. */
  look<T>(sql: string): Promise<T[]>;
  /** An empty store, as it is after migrations, with chance begun again. */
  reset(seed: number): Promise<void>;
  close(): Promise<void>;
};

/** Every schedule begins here; and its two weeks lie in one partition. */
export const beginning = Date.UTC(2026, 0, 15);

const databaseFolder = fileURLToPath(new URL("../../database/", import.meta.url));

const shadows = `
  create schema sim;
  create function sim.now() returns timestamptz language sql stable
    as $$ select pg_catalog.current_setting('sim.now')::timestamptz $$;
  create function sim.gen_random_uuid() returns uuid language sql volatile
    as $$ select pg_catalog.md5(pg_catalog.random()::text)::uuid $$;
  grant usage on schema sim to public;
  create role cairn_api; create role cairn_platform; create role cairn_worker;
`;

/** Partitions in which no schedule writes cost planning time and nothing else. */
const unusedPartitions = `select to_jsonb(c.relname) from pg_inherits i join pg_class c on c.oid = i.inhrelid
  join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'cairn' and c.relkind = 'r' and c.relname !~ '2026_01$'`;

/** Indexes over a few dozen rows cost planning and writing time; whether statements use them is for `test/database` to say. */
const needlessIndexes = `select to_jsonb(c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid
  join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'cairn' and not i.indisunique and not c.relispartition`;

/** All that a schedule writes into. */
const tables = `select to_jsonb(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'cairn' and c.relkind in ('r', 'p') and not c.relispartition and c.relname not in ('migrations', 'environments')`;

/** As they are after all migrations: a bug in what a later one has replaced would be no bug. */
const functions = `select to_jsonb(pg_get_functiondef(p.oid)) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'cairn' and p.prokind = 'f' order by p.oid`;

/**
 * @param now milliseconds since 1970: the database's clock
 * @param patch changes functions' and statements' text: for the bugs that the checker is checked with
 */
export async function openStore(now: () => number, patch: (sql: string) => string = (sql) => sql): Promise<SimStore> {
  const text = (value: string) => value;
  const engine = await PGlite.create({ parsers: { 114: text, 3802: text, 2950: text, 25: text, 16: text } });
  const prepared = new Map<string, string>();
  let role = "";
  let clock = Number.NaN;

  /** One message of the simple protocol, which is one transaction: clock, role, then the statements. */
  async function send(wanted: string, ...statements: string[]): Promise<(string | null)[][]> {
    const moment = now();
    const settings = [
      ...(moment === clock ? [] : [`set sim.now = '${new Date(moment).toISOString()}'`]),
      ...(wanted === role ? [] : [wanted === "postgres" ? "reset role" : `set role ${wanted}`]),
    ];
    try {
      const answers = await engine.exec([...settings, ...statements].join(";"), { rowMode: "array" });
      clock = moment;
      role = wanted;
      return answers
        .slice(settings.length)
        .map(({ rows }) => (rows as unknown as [string | null][]).map(([value]) => value ?? null));
    } catch (error) {
      // The message was one transaction, and its settings went with it.
      clock = Number.NaN;
      role = "";
      throw error;
    }
  }

  /** Parsed and planned once a role, as a session on AWS never does: planning is most of what a statement costs here. */
  async function execution(wanted: StoreRole, sql: string, parameters: SqlParameters): Promise<string> {
    const given = Object.entries(parameters);
    const types = given.map(([, value]) => typeOf(value));
    const key = [wanted, sql, ...types].join("\0");
    let name = prepared.get(key);
    if (name === undefined) {
      name = `statement_${prepared.size}`;
      const places = new Map(given.map(([parameter], index) => [parameter, `$${index + 1}`]));
      const positional = withParameters(sql, (parameter) => places.get(parameter) ?? null);
      await send(wanted, `prepare ${name}${types.length === 0 ? "" : `(${types.join(", ")})`} as ${positional}`);
      prepared.set(key, name);
    }
    return `execute ${name}${given.length === 0 ? "" : `(${given.map(([, value]) => literal(value)).join(", ")})`}`;
  }

  const owner: Pick<Database, "rows"> = {
    async rows<T>(sql: string, parameters: SqlParameters = {}) {
      const inlined = withParameters(sql, (name) =>
        Object.hasOwn(parameters, name) ? literal(parameters[name] ?? null) : null,
      );
      const [found = []] = await send("postgres", inlined);
      return found.map((value) => JSON.parse(value ?? "null") as T);
    },
  };
  await engine.exec(
    `${shadows} set search_path = sim, pg_catalog, public; set timezone = 'UTC'; set synchronous_commit = off; set plan_cache_mode = force_generic_plan`,
  );
  await migrate({ ...owner, transaction: (work) => work(owner) }, databaseFolder);
  for (const definition of await owner.rows<string>(functions)) {
    const patched = patch(definition);
    if (patched !== definition) await engine.exec(patched);
  }
  const unused = await owner.rows<string>(unusedPartitions);
  const needless = await owner.rows<string>(needlessIndexes);
  const written = await owner.rows<string>(tables);
  // New files for every table: what an earlier schedule left behind would decide the order of rows without an order.
  const emptied = `truncate ${written.map((name) => `cairn.${name}`).join(", ")}`;
  const drops = [
    ...unused.map((name) => `drop table cairn.${name}`),
    ...needless.map((name) => `drop index cairn.${name}`),
  ];
  await engine.exec([writtenFunction, ...drops].join(";"));

  return {
    async run(wanted, sql, parameters) {
      const [values = [], [wrote = null] = []] = await send(
        wanted,
        await execution(wanted, patch(sql), parameters),
        "select sim.written()",
      );
      return { values, written: JSON.parse(wrote ?? "null") as Written | null };
    },
    look: (sql) => owner.rows(sql),
    async reset(seed) {
      const seeded = `select setval('cairn.event_order', 1, false); select setseed(${(seed % 10_000) / 10_000})`;
      await send("postgres", emptied, seeded);
    },
    close: () => engine.close(),
  };
}

/** Replaces each `:name`, but not what only looks like one: in a string, in a cast. */
function withParameters(sql: string, replacement: (name: string) => string | null): string {
  return sql.replaceAll(/'(?:[^']|'')*'|::|:([a-zA-Z]\w*)/g, (all, name: string | undefined) =>
    name === undefined ? all : (replacement(name) ?? all),
  );
}

/** The type that the Data API gives to a value. */
function typeOf(value: SqlValue): string {
  if (typeof value === "number") return Number.isInteger(value) ? "bigint" : "double precision";
  return typeof value === "boolean" ? "boolean" : "text";
}

function literal(value: SqlValue): string {
  if (value === null) return "null";
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}
