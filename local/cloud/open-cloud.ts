import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The simulated cloud's own storage: what exists, what was asked, what its secrets hold. Shared by its servers. */
export type Cloud = {
  db: DatabaseSync;
  region: string;
  accountId: string;
  /** Milliseconds since 1970; a test may move it. */
  now: () => number;
  /** All of it or nothing of it. */
  transaction<T>(work: () => T): T;
  close(): void;
};

export type CloudOptions = { region?: string; accountId?: string; now?: () => number };

/** Opens the cloud kept in this file, or makes it. */
export function openCloud(file: string, options: CloudOptions = {}): Cloud {
  const { region = "eu-west-1", accountId = "000000000000", now = Date.now } = options;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file);
  // It holds secrets in the clear; the log beside it takes the file's mode.
  chmodSync(file, 0o600);
  // NORMAL, not FULL: with WAL a killed process loses nothing either way, and an fsync for each call would be paid for
  // a power cut only, in which this machine's Postgres and its cloud go down together.
  db.exec(
    "pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000; pragma foreign_keys = on",
  );
  db.exec(schema);
  let closed = false;
  return {
    db,
    region,
    accountId,
    now,
    transaction: (work) => {
      if (db.isTransaction) return work();
      db.exec("begin immediate");
      try {
        const result = work();
        db.exec("commit");
        return result;
      } catch (error) {
        // A full disk has rolled back already.
        if (db.isTransaction) db.exec("rollback");
        throw error;
      }
    },
    close: () => {
      if (!closed) db.close();
      closed = true;
    },
  };
}

// Times are milliseconds since 1970. `unique_name` is what AWS holds unique among live objects of a type: the identifier,
// or the name where the identifier carries something random.
const schema = `
  create table if not exists objects (
    id integer primary key,
    type_name text not null,
    identifier text not null,
    unique_name text not null,
    made_by text not null,
    client_token text,
    created_at integer not null,
    deleted_at integer,
    properties text not null
  ) strict;
  create unique index if not exists objects_live on objects (type_name, identifier) where deleted_at is null;
  create unique index if not exists objects_names on objects (type_name, unique_name) where deleted_at is null;

  create table if not exists requests (
    seq integer primary key,
    token text not null unique,
    client_token text,
    input_hash text not null,
    operation text not null,
    type_name text not null,
    identifier text,
    status text not null,
    error_code text,
    message text,
    accepted_at integer not null,
    event_at integer not null,
    due_at integer not null,
    work text
  ) strict;
  create index if not exists requests_by_client_token on requests (client_token) where client_token is not null;
  create index if not exists requests_by_time on requests (accepted_at);
  create index if not exists requests_open on requests (due_at) where status = 'IN_PROGRESS';

  create table if not exists calls (
    seq integer primary key,
    at integer not null,
    operation text not null,
    type_name text,
    identifier text,
    client_token text,
    result text not null
  ) strict;
  create index if not exists calls_by_time on calls (at);

  create table if not exists secrets (
    arn text primary key,
    name text not null,
    deletion_at integer,
    deletes_at integer,
    changed_at integer not null
  ) strict;
  create table if not exists secret_versions (
    arn text not null references secrets (arn) on delete cascade,
    version_id text not null,
    secret_string text,
    secret_binary text,
    stages text not null,
    created_at integer not null,
    primary key (arn, version_id)
  ) strict;
  create table if not exists secret_rotations (
    arn text primary key references secrets (arn) on delete cascade,
    function_arn text not null,
    rules text,
    rotated_at integer
  ) strict;

  create table if not exists controls (name text primary key, value text not null) strict;
`;
