import type { ExecuteStatementCommand, RDSDataClient, SqlParameter } from "@aws-sdk/client-rds-data";
import type { Executions } from "../../core/executions.ts";
import type { Providers } from "../../core/provider.ts";
import type { ApiStore, DriftStore, WorkerStore } from "../../core/store.ts";
import { createApiStore } from "../../database/api-store.ts";
import { createDatabase, type Database, type SqlParameters } from "../../database/data-api.ts";
import { driftWorkerQueries } from "../../database/drift.ts";
import { operationQueries } from "../../database/operations.ts";
import { createAwsProvider } from "../../providers/aws/aws-provider.ts";
import { createPostgresProvider } from "../../providers/postgres/postgres-provider.ts";
import type { Bug } from "./bug.ts";
import type { Checker } from "./checker.ts";
import type { CloudCommand } from "./cloud.ts";
import { schemaOf } from "./kinds.ts";
import type { Random } from "./random.ts";
import type { Point, Run } from "./run.ts";
import { answerOf, type Side, type Sides, servedBy } from "./sides.ts";
import type { SimStore, StoreRole } from "./store.ts";
import { leaseSeconds } from "./tasks.ts";

/** What one invocation of a function may reach, every call of it an await point of the schedule. */
export type Ports = {
  api: ApiStore;
  worker: WorkerStore;
  drift: DriftStore;
  providers: Providers;
  executions: Executions;
  random: () => number;
  newId: () => string;
  /** Seconds since 1970. */
  now: () => number;
  sleep: (seconds: number) => Promise<void>;
};

/** What is asked of the world in a run's name. */
export type Wires = {
  store: SimStore;
  sides: Sides;
  checker: Checker;
  clock: { now: number };
  random: Random;
  bug: Bug;
  gate<T>(run: Run, point: Pick<Point, "port" | "label" | "at" | "cutOff">, perform: () => Promise<T>): Promise<T>;
  sleep(run: Run, milliseconds: number): Promise<void>;
  start: (run: Run) => Executions;
  newId: () => string;
};

export function portsOf(wires: Wires, run: Run): Ports {
  const { random, clock, bug, newId } = wires;
  const database = (role: StoreRole) => {
    const over = databaseOf(wires, run, role);
    return bug.database?.(over) ?? over;
  };
  const worker = database("cairn_worker");
  const client = clientsOf(wires, run);
  const providers: Providers = {
    aws: createAwsProvider({ clientFor: (target) => client(`${target.region}/aws`), readSchema: schemaOf }),
    postgres: createPostgresProvider({
      dataFor: (target) => client(`${target.region}/postgres`),
      secretsFor: (target) => client(`${target.region}/postgres`),
    }),
  };
  return {
    api: createApiStore({ api: database("cairn_api"), platform: database("cairn_platform") }, leaseSeconds),
    worker: operationQueries(worker),
    drift: driftWorkerQueries(worker),
    providers: bug.providers?.(providers) ?? providers,
    executions: wires.start(run),
    random: random.next,
    newId,
    now: () => Math.floor(clock.now / 1000),
    sleep: (seconds) => wires.sleep(run, seconds * 1000),
  };
}

/** The product's own client of the Data API, over a wire that ends in PGlite. */
function databaseOf({ store, checker, gate, sleep }: Wires, run: Run, role: StoreRole): Database {
  async function send({ input: { sql = "", parameters = [] } }: ExecuteStatementCommand): Promise<object> {
    const label = nameOf(sql);
    return gate(run, { port: "store", label, at: null }, async () => {
      const asked = Object.fromEntries(parameters.map(given));
      const { values, written } = await store.run(role, sql, asked).catch((error: Error) => {
        checker.report("SQL", `${label} was refused: ${error.message}`);
        throw error;
      });
      checker.afterStatement(label, asked, written);
      return { records: values.map((value) => [value === null ? { isNull: true } : { stringValue: value }]) };
    });
  }
  return createDatabase({
    client: { send } as unknown as RDSDataClient,
    resourceArn: "arn:store",
    secretArn: `arn:store:${role}`,
    database: "cairn",
    sleep: (milliseconds) => sleep(run, milliseconds),
  });
}

function given({ name = "", value }: SqlParameter): [string, SqlParameters[string]] {
  return [name, value?.stringValue ?? value?.longValue ?? value?.doubleValue ?? value?.booleanValue ?? null];
}

/** A client of a target's provider: any of its APIs', because all of them are one wire here. */
function clientsOf({ sides, checker, clock, random, gate }: Wires, run: Run) {
  return (key: string): never => {
    const side = sides.at(key);
    const send = (command: CloudCommand) => {
      const at = { side, service: servedBy(side, command) };
      const label = labelOf(side, command);
      const cutOff = side.provider === "postgres" ? () => side.cluster.cutOff(command) : undefined;
      return gate(run, { port: "provider", label, at, cutOff }, async () => {
        try {
          return answerOf(side, command, clock.now, random);
        } finally {
          checker.afterCall({ run, side, service: at.service, label, command });
        }
      });
    };
    return { send } as never;
  };
}

function labelOf(side: Side, { constructor: { name }, input }: CloudCommand): string {
  const {
    TypeName = "",
    Identifier = "",
    ClientToken = "",
    RequestToken = "",
    sql = "",
  } = input as {
    [member: string]: string;
  };
  const shape = sql.replace(/^DO \$cairn\$ BEGIN (PERFORM [^;]*; )?/, "").trim();
  return [
    side.key,
    name.replace(/Command$/, ""),
    TypeName.split("::")[2],
    Identifier,
    ClientToken.slice(0, 6),
    RequestToken,
    shape.split(/[\s(]+/, 2).join(" "),
  ]
    .filter(Boolean)
    .join(" ");
}

/** A statement's name in a trace. */
function nameOf(sql: string): string {
  const called = /cairn\.(\w+)\(:/.exec(sql)?.[1];
  if (called !== undefined) return called;
  if (sql.includes("sent_hash = :sentHash")) return "work_to_send";
  if (sql.includes("update cairn.operations o\n    set due_at")) return "work";
  if (sql.includes("service_environments s")) return "context";
  return "read";
}
