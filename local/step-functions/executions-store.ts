import { DatabaseSync } from "node:sqlite";
import type { Ending } from "./run-execution.ts";

export type Status = "RUNNING" | Ending["status"];

/** One execution as it is kept. Times are milliseconds since 1970. */
export type Execution = {
  /** Rises with every start. */
  id: number;
  machine: string;
  name: string;
  input: string;
  status: Status;
  output: string | null;
  error: string | null;
  cause: string | null;
  startedAt: number;
  stoppedAt: number | null;
};

export type ListQuery = { machine: string; status: Status | null; before: number; limit: number };

export type ExecutionsStore = {
  /** Takes the name, or gives back the execution that holds it. */
  start(machine: string, name: string, input: string, now: number): { created: boolean; execution: Execution };
  end(id: number, ending: Ending, now: number): void;
  find(machine: string, name: string): Execution | undefined;
  list(query: ListQuery): Execution[];
  close(): void;
};

/** How long a closed execution's name stays taken, and how long it can be described. */
const retentionMs = 90 * 24 * 60 * 60 * 1000;

const columns =
  "id, machine, name, input, status, output, error, cause, started_at as startedAt, stopped_at as stoppedAt";

/**
 * Used names and results, durable like the service's: a write is there after the process is killed. Whatever is
 * RUNNING when it is opened lost the process that ran it, and is ABORTED.
 */
export function openExecutionsStore(path: string, now: number): ExecutionsStore {
  const database = new DatabaseSync(path);
  database.exec(`
    pragma journal_mode = wal;
    pragma synchronous = normal;
    create table if not exists executions (
      id integer primary key autoincrement,
      machine text not null,
      name text not null,
      input text not null,
      status text not null,
      output text,
      error text,
      cause text,
      started_at integer not null,
      stopped_at integer,
      unique (machine, name)
    ) strict;
    create index if not exists executions_by_machine on executions (machine, id);
    create index if not exists executions_by_status on executions (machine, status, id);
    create index if not exists executions_running on executions (id) where status = 'RUNNING';
    create index if not exists executions_by_end on executions (stopped_at) where stopped_at is not null;
  `);
  const sql = {
    insert: database.prepare(
      `insert into executions (machine, name, input, status, started_at) values (?, ?, ?, 'RUNNING', ?)
       on conflict do nothing returning ${columns}`,
    ),
    find: database.prepare(`select ${columns} from executions where machine = ? and name = ?`),
    end: database.prepare(
      `update executions set status = ?, output = ?, error = ?, cause = ?, stopped_at = ?
       where id = ? and status = 'RUNNING'`,
    ),
    abandon: database.prepare(
      `update executions set status = 'ABORTED', cause = 'the process that ran it ended', stopped_at = ?
       where status = 'RUNNING'`,
    ),
    prune: database.prepare("delete from executions where stopped_at < ?"),
    list: database.prepare(`select ${columns} from executions where machine = ? and id < ? order by id desc limit ?`),
    listByStatus: database.prepare(
      `select ${columns} from executions where machine = ? and status = ? and id < ? order by id desc limit ?`,
    ),
  };
  sql.abandon.run(now);
  return { start, end, find, list, close: () => database.close() };

  function start(machine: string, name: string, input: string, at: number) {
    sql.prune.run(at - retentionMs);
    const created = sql.insert.get(machine, name, input, at) as Execution | undefined;
    return created
      ? { created: true, execution: created }
      : { created: false, execution: find(machine, name) as Execution };
  }

  function end(id: number, ending: Ending, at: number): void {
    const { status, output = null, error = null, cause = null } = ending as Partial<Execution> & Ending;
    sql.end.run(status, output, error, cause, at, id);
  }

  function find(machine: string, name: string): Execution | undefined {
    return sql.find.get(machine, name) as Execution | undefined;
  }

  function list({ machine, status, before, limit }: ListQuery): Execution[] {
    const rows =
      status === null ? sql.list.all(machine, before, limit) : sql.listByStatus.all(machine, status, before, limit);
    return rows as Execution[];
  }
}
