import { DatabaseSync } from "node:sqlite";
import type { Ending } from "./ending.ts";
import type { HistoryEvent } from "./history.ts";

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

type EventRow = { id: number; previous: number; type: string; at: number; details: string };

export type HistoryQuery = { execution: number; after: number | null; reverse: boolean; limit: number };

export type ExecutionsStore = {
  /** Takes the name, or gives back the execution that holds it. */
  start(machine: string, name: string, input: string, now: number): { created: boolean; execution: Execution };
  /** Keeps an event. What one turn of the event loop records, for all executions, is one write at its end. */
  record(execution: number, event: HistoryEvent): void;
  /** With every event recorded so far, in one transaction. */
  end(id: number, ending: Ending, now: number): void;
  find(machine: string, name: string): Execution | undefined;
  list(query: ListQuery): Execution[];
  history(query: HistoryQuery): HistoryEvent[];
  close(): void;
};

/** The cause of an execution that was aborted with its process. */
export const processEnded = "the process that ran it ended";

/** How long a closed execution's name stays taken, and how long it and its history can be looked at. */
const retentionMs = 90 * 24 * 60 * 60 * 1000;

const columns =
  "id, machine, name, input, status, output, error, cause, started_at as startedAt, stopped_at as stoppedAt";

/**
 * Used names, results and histories, durable like the service's: a write is there after the process is killed. Whatever is
 * RUNNING when it is opened lost the process that ran it, and is ABORTED. A write that nobody waits for and that failed is
 * reported.
 */
export function openExecutionsStore(
  path: string,
  now: number,
  report: (error: unknown) => void = console.error,
): ExecutionsStore {
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
    create table if not exists events (
      execution integer not null references executions (id) on delete cascade,
      id integer not null,
      previous integer not null,
      type text not null,
      at integer not null,
      details text not null,
      primary key (execution, id)
    ) strict, without rowid;
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
    tellAbandoned: database.prepare(
      `insert into events (execution, id, previous, type, at, details)
       select x.id, 1 + coalesce(max(e.id), 0), 0, 'ExecutionAborted', ?, ?
       from executions x left join events e on e.execution = x.id where x.status = 'RUNNING' group by x.id`,
    ),
    abandon: database.prepare(
      "update executions set status = 'ABORTED', cause = ?, stopped_at = ? where status = 'RUNNING'",
    ),
    prune: database.prepare("delete from executions where stopped_at < ?"),
    list: database.prepare(`select ${columns} from executions where machine = ? and id < ? order by id desc limit ?`),
    listByStatus: database.prepare(
      `select ${columns} from executions where machine = ? and status = ? and id < ? order by id desc limit ?`,
    ),
  };
  const events = {
    insert: database.prepare(
      "insert into events (execution, id, previous, type, at, details) values (?, ?, ?, ?, ?, ?)",
    ),
    forward: database.prepare(
      "select id, previous, type, at, details from events where execution = ? and id > ? order by id limit ?",
    ),
    backward: database.prepare(
      "select id, previous, type, at, details from events where execution = ? and id < ? order by id desc limit ?",
    ),
  };
  const cause = processEnded;
  sql.tellAbandoned.run(now, JSON.stringify({ executionAbortedEventDetails: { cause } }));
  sql.abandon.run(cause, now);
  let unwritten: { execution: number; event: HistoryEvent }[] = [];
  let writing: NodeJS.Immediate | undefined;
  return { start, record, end, find, list, history, close };

  function start(machine: string, name: string, input: string, at: number) {
    sql.prune.run(at - retentionMs);
    const created = sql.insert.get(machine, name, input, at) as Execution | undefined;
    return created
      ? { created: true, execution: created }
      : { created: false, execution: find(machine, name) as Execution };
  }

  function record(execution: number, event: HistoryEvent): void {
    unwritten.push({ execution, event });
    writing ??= setImmediate(() => {
      try {
        inTransaction(() => {});
      } catch (error) {
        report(error);
      }
    });
  }

  function end(id: number, ending: Ending, at: number): void {
    const { status, output = null, error = null, cause = null } = ending as Partial<Execution> & Ending;
    inTransaction(() => sql.end.run(status, output, error, cause, at, id));
  }

  /** What was recorded, and then the rest; on a full disk neither, and what was recorded waits for the next one. */
  function inTransaction(rest: () => void): void {
    clearImmediate(writing);
    writing = undefined;
    database.exec("begin");
    try {
      for (const { execution, event } of unwritten) {
        const { id, previousEventId, type, timestamp, details } = event;
        events.insert.run(execution, id, previousEventId, type, timestamp, JSON.stringify(details));
      }
      rest();
      database.exec("commit");
    } finally {
      if (database.isTransaction) database.exec("rollback");
    }
    unwritten = [];
  }

  function find(machine: string, name: string): Execution | undefined {
    return sql.find.get(machine, name) as Execution | undefined;
  }

  function list({ machine, status, before, limit }: ListQuery): Execution[] {
    const rows =
      status === null ? sql.list.all(machine, before, limit) : sql.listByStatus.all(machine, status, before, limit);
    return rows as Execution[];
  }
  function history({ execution, after, reverse, limit }: HistoryQuery): HistoryEvent[] {
    inTransaction(() => {});
    const rows = reverse
      ? events.backward.all(execution, after ?? Number.MAX_SAFE_INTEGER, limit)
      : events.forward.all(execution, after ?? 0, limit);
    return (rows as EventRow[]).map(({ id, previous, type, at, details }) => ({
      id,
      previousEventId: previous,
      type,
      timestamp: at,
      details: JSON.parse(details) as HistoryEvent["details"],
    }));
  }

  function close(): void {
    try {
      inTransaction(() => {});
    } finally {
      database.close();
    }
  }
}
