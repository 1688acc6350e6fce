import { scramVerifier } from "../../core/scram.ts";
import type { Catalog } from "./catalog.ts";
import { allAtOnce, identifier, literal } from "./quote.ts";
import type { Wanted } from "./target.ts";
import { isTenant } from "./tenants.ts";

/** What a role's comment says: whose it is, and which version of the secret holds its password. */
export function roleMarker(wanted: Wanted, secretVersion: string): string {
  return `${wanted.marker} secret-version=${secretVersion}`;
}

/**
 * The role with its password and marker, in one piece: a role is never there without saying whose it is. The admin is
 * made a member, which Postgres 16 asks of whoever gives a database to a role or drops what the role owns.
 */
export function makeRole(wanted: Wanted, exists: boolean, password: string, secretVersion: string): string {
  const role = identifier(wanted.Role);
  const verb = exists ? "ALTER" : "CREATE";
  return allAtOnce([
    patience,
    `${verb} ROLE ${role} LOGIN INHERIT NOCREATEDB NOCREATEROLE PASSWORD ${literal(scramVerifier(password))}`,
    `COMMENT ON ROLE ${role} IS ${literal(roleMarker(wanted, secretVersion))}`,
    `GRANT ${role} TO CURRENT_USER`,
  ]);
}

/**
 * Closed at birth: PUBLIC may connect to a new database, so nobody may until that right is taken. From `template0`,
 * because a session on `template1` would make it fail.
 */
export function createDatabase({ Database, Role, ConnectionLimit }: Wanted): string {
  const options = `ENCODING 'UTF8' ALLOW_CONNECTIONS false CONNECTION LIMIT ${ConnectionLimit}`;
  return `CREATE DATABASE ${identifier(Database)} OWNER ${identifier(Role)} TEMPLATE template0 ${options}`;
}

/** What is left to do on a database that exists; every statement may be repeated. */
export function settleDatabase(wanted: Wanted, catalog: Catalog): string {
  const database = identifier(wanted.Database);
  const strangers = strangersOf(wanted, catalog).map((name) => (name === "PUBLIC" ? name : identifier(name)));
  return allAtOnce([
    ...oneAtATime(wanted.Database),
    `ALTER DATABASE ${database} OWNER TO ${identifier(wanted.Role)}`,
    `COMMENT ON DATABASE ${database} IS ${literal(wanted.marker)}`,
    ...["PUBLIC", ...strangers].map((name) => `REVOKE CONNECT, TEMPORARY ON DATABASE ${database} FROM ${name}`),
    `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${identifier(wanted.Role)}`,
    `ALTER DATABASE ${database} CONNECTION LIMIT ${wanted.ConnectionLimit}`,
    // The database's owner may lift the database's limit; nobody lifts a role's of its own.
    `ALTER ROLE ${identifier(wanted.Role)} CONNECTION LIMIT ${wanted.ConnectionLimit}`,
    `ALTER DATABASE ${database} ALLOW_CONNECTIONS true`,
  ]);
}

/** Who may connect although only the role and the admin should. */
export function strangersOf(wanted: Wanted, { database, admin }: Catalog): string[] {
  return (database?.connectors ?? []).filter((name) => name !== wanted.Role && name !== admin);
}

/**
 * Takes PUBLIC's right to connect to another database of the cluster, or the new role would have it. Who can log in today
 * and is not one of these roles keeps the right by name, so that closing the door locks nobody out.
 */
export function closeDatabase(name: string): string {
  const database = identifier(name);
  return `DO $cairn$
    DECLARE known record;
    BEGIN
      ${oneAtATime(name).join("; ")};
      FOR known IN
        SELECT r.rolname FROM pg_roles r
        WHERE r.rolcanlogin AND NOT ${isTenant("r.oid")}
      LOOP
        EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', ${literal(name)}, known.rolname);
      END LOOP;
      REVOKE CONNECT, TEMPORARY ON DATABASE ${database} FROM PUBLIC;
    END $cairn$`;
}

/** Nobody comes in while it goes: a pool that reconnects would make the drop fail. */
export function sealDatabase({ Database }: Wanted): string {
  return allAtOnce([patience, `ALTER DATABASE ${identifier(Database)} ALLOW_CONNECTIONS false`]);
}

/** FORCE ends the sessions that are still open. Cannot be part of a block. */
export function dropDatabase({ Database }: Wanted): string {
  return `DROP DATABASE IF EXISTS ${identifier(Database)} WITH (FORCE)`;
}

/** What the role owns or was granted outside its database goes with it, or Postgres would keep the role. */
export function dropRole({ Database, Role }: Wanted): string {
  return allAtOnce([...oneAtATime(Database), `DROP OWNED BY ${identifier(Role)}`, `DROP ROLE ${identifier(Role)}`]);
}

/** The Data API lets a statement go on after its caller's time, so one that waits has to give up by itself. */
const patience = "PERFORM set_config('lock_timeout', '4s', true)";

/** Two calls that change rights of one database at once fail with "tuple concurrently updated"; they queue here. */
function oneAtATime(database: string): string[] {
  return [patience, `PERFORM pg_advisory_xact_lock(hashtext('cairn database rights'), hashtext(${literal(database)}))`];
}
