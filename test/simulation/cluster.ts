import { callError } from "./call-error.ts";
import type { CloudCommand } from "./cloud.ts";
import { refusedSize } from "./kinds.ts";
import { createLedger, type LedgerObject } from "./ledger.ts";
import type { Random } from "./random.ts";

export type Cluster = ReturnType<typeof createCluster>;

const role = "Postgres::Role";
const database = "Postgres::Database";
const secret = "Postgres::Secret";
/** The limit by which Postgres itself marks a database whose removal was cut off. */
const halfDropped = -2;

/**
 * A shared cluster in memory, as far as the provider `postgres` asks it: its statements are known by their shape, and one
 * that is not is an error. All of it is at once and nothing has a token: what a crash leaves is a part of the whole.
 */
export function createCluster(now: () => number, random: Random) {
  const ledger = createLedger();
  let versions = 0;

  const needed = (kind: string, name: string) => {
    const found = ledger.live(kind, name);
    if (found === undefined) throw refused(kind === role ? "42704" : "3D000", `${name} does not exist`);
    return found;
  };
  const made = (kind: string, name: string, owner: string, properties: LedgerObject["properties"]) => {
    if (ledger.live(kind, name) !== undefined) throw refused(kind === role ? "42710" : "42P04", `${name} exists`);
    return ledger.add({ kind, identifier: name, owner, properties });
  };
  const take = (kind: string, name: string) => ledger.take(needed(kind, name), "cairn", now());

  /** What each statement of `providers/postgres/statements.ts` does, by how it begins. */
  const statements: readonly (readonly [RegExp, (...found: string[]) => unknown])[] = [
    [
      /^DO \$cairn\$ BEGIN .*?CREATE ROLE "(.+?)" .* COMMENT ON ROLE ".+?" IS '(.+?)'/,
      (name = "", marker = "") => made(role, name, ownerIn(marker), { marker }),
    ],
    [
      /^DO \$cairn\$ BEGIN [^"]*?ALTER ROLE "(.+?)" .* COMMENT ON ROLE ".+?" IS '(.+?)'/,
      (name = "", marker = "") => {
        needed(role, name).properties = { marker };
      },
    ],
    [
      /^CREATE DATABASE "(.+?)" OWNER "(.+?)" .* CONNECTION LIMIT (-?\d+)/,
      (name = "", owner = "", limit = "") => {
        accepted(limit);
        made(database, name, needed(role, owner).owner, {
          marker: null,
          limit: Number(limit),
          open: false,
          settled: false,
        });
      },
    ],
    [
      /^DO \$cairn\$ BEGIN .*?ALTER DATABASE "(.+?)" OWNER TO .* COMMENT ON DATABASE ".+?" IS '(.+?)'.* CONNECTION LIMIT (-?\d+)/,
      (name = "", marker = "", limit = "") => {
        accepted(limit);
        if (needed(database, name).properties.limit === halfDropped) throw refused("55000", `${name} is invalid`);
        needed(database, name).properties = { marker, limit: Number(limit), open: true, settled: true };
      },
    ],
    [
      /ALTER DATABASE "([^"]+?)" ALLOW_CONNECTIONS false(; END|$)/,
      (name = "") => {
        const found = needed(database, name);
        found.properties = { ...found.properties, open: false };
      },
    ],
    [
      /^DROP DATABASE IF EXISTS "(.+?)" WITH \(FORCE\)$/,
      (name = "") => {
        const found = ledger.live(database, name);
        if (found !== undefined)
          ledger.take(found, found.properties.limit === halfDropped ? "failure" : "cairn", now());
      },
    ],
    [
      /^DO \$cairn\$ BEGIN .*?DROP OWNED BY "(.+?)"; DROP ROLE/,
      (name = "") => {
        needed(role, name);
        const owned = ledger.objects.find(
          (one) => one.kind === database && one.deletedAt === null && one.identifier === name,
        );
        if (owned !== undefined) throw refused("2BP01", `${name} owns a database`);
        take(role, name);
      },
    ],
  ];

  function catalogOf({ role: roleName = "", database: databaseName = "" }: { [name: string]: string }): string {
    const [login, found] = [ledger.live(role, roleName), ledger.live(database, databaseName)];
    return JSON.stringify({
      admin: "admin",
      role: login === undefined ? null : { marker: login.properties.marker, login: true, elevated: false },
      database:
        found === undefined
          ? null
          : {
              marker: found.properties.marker,
              owner: roleName,
              connectionLimit: found.properties.limit,
              halfDropped: found.properties.limit === halfDropped,
              allowsConnections: found.properties.open,
              connectors: found.properties.settled === true ? ["admin", roleName] : ["PUBLIC", "admin", roleName],
            },
      open: [],
    });
  }

  const commands: { [name: string]: (input: never) => object } = {
    ExecuteStatementCommand({ sql, parameters }: { sql: string; parameters: Parameter[] }) {
      const given = Object.fromEntries(parameters.map(({ name, value }) => [name, value.stringValue]));
      if (/^\s*select json_build_object\(\s*'admin'/.test(sql)) {
        return { records: [[{ stringValue: catalogOf(given) }]] };
      }
      // Nobody's session is in the way here.
      if (/^\s*SELECT count\(pg_terminate_backend/.test(sql)) return { records: [[{ stringValue: "0" }]] };
      for (const [shape, perform] of statements) {
        const found = shape.exec(sql);
        if (found === null) continue;
        perform(...found.slice(1));
        return {};
      }
      throw new Error(`the simulated cluster has no such statement: ${sql.slice(0, 200)}`);
    },
    DescribeSecretCommand({ SecretId }: { SecretId: string }) {
      const found = secretOf(SecretId);
      const tags = [{ Key: "cairn:resource-id", Value: found.owner }];
      return {
        ARN: found.identifier,
        VersionIdsToStages: { [String(found.properties.version)]: ["AWSCURRENT"] },
        Tags: tags,
      };
    },
    CreateSecretCommand({ Name, SecretString, Tags }: { Name: string; SecretString: string; Tags: Tag[] }) {
      if (ledger.live(secret, Name) !== undefined) throw callError("ResourceExistsException", 400);
      versions += 1;
      const owner = Tags.find(({ Key }) => Key === "cairn:resource-id")?.Value ?? "";
      const version = `version-${versions}`;
      ledger.add({ kind: secret, identifier: Name, owner, properties: { version, value: SecretString } });
      return { ARN: Name, VersionId: version };
    },
    GetSecretValueCommand({ SecretId }: { SecretId: string }) {
      const { identifier, properties } = secretOf(SecretId);
      return { ARN: identifier, SecretString: properties.value, VersionId: properties.version };
    },
    DeleteSecretCommand({ SecretId }: { SecretId: string }) {
      ledger.take(secretOf(SecretId), "cairn", now());
      return {};
    },
  };

  function secretOf(name: string): LedgerObject {
    const found = ledger.live(secret, name);
    if (found === undefined) throw callError("ResourceNotFoundException", 400);
    return found;
  }

  return {
    ledger,
    answer(command: CloudCommand): object {
      const perform = commands[command.constructor.name];
      if (perform === undefined) throw new Error(`the simulated cluster has no ${command.constructor.name}`);
      return perform(command.input as never);
    },
    /** The connection of a call is cut while it runs: a removal may have begun. */
    cutOff(command: CloudCommand): void {
      const { sql = "" } = command.input as { sql?: string };
      const name = /^DROP DATABASE IF EXISTS "(.+?)"/.exec(sql)?.[1] ?? "";
      const found = ledger.live(database, name);
      if (found !== undefined && random.chance(0.3)) found.properties = { ...found.properties, limit: halfDropped };
    },
    /** A person changes or removes something behind Cairn's back. */
    drift(): string | null {
      const there = ledger.objects.filter((one) => one.deletedAt === null && one.kind !== role);
      if (there.length === 0) return null;
      const object = random.pick(there);
      if (object.kind === database && random.chance(0.6)) {
        object.properties = { ...object.properties, limit: 99 };
        object.drifted = true;
        return `${object.identifier} was changed by a person`;
      }
      ledger.take(object, "person", now());
      return `${object.kind} ${object.identifier} was deleted by a person`;
    },
  };
}

type Parameter = { name: string; value: { stringValue: string } };
type Tag = { Key: string; Value: string };

function ownerIn(marker: string): string {
  return /cairn:resource-id=(\S+)/.exec(marker)?.[1] ?? "";
}

/** An error of Postgres, as the Data API hands it on. */
function refused(state: string, message: string): Error {
  return callError("DatabaseErrorException", 400, `ERROR: ${message}; SQLState: ${state}`);
}

function accepted(limit: string): void {
  if (Number(limit) === refusedSize) throw refused("22023", `invalid connection limit: ${limit}`);
}
