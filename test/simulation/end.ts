import type { Definition } from "../../core/definition.ts";
import { type Json, type JsonObject, sameJson } from "../../core/json.ts";
import { withReferencesResolved } from "../../core/reference.ts";
import { keyOf } from "./character.ts";
import type { Checker } from "./checker.ts";
import { poisonedSize, refusedSize } from "./kinds.ts";
import { developerOf, type Place } from "./places.ts";
import { requestOf } from "./requests.ts";
import type { Sides } from "./sides.ts";
import { short } from "./state.ts";
import type { SimStore } from "./store.ts";
import type { World } from "./world.ts";

type EndRow = Place & {
  id: string;
  name: string;
  status: string;
  deleting: boolean;
  reason: { code: string; message: string } | null;
  definition: Definition;
  dependencies: { [name: string]: { [key: string]: Json } };
  orphan: boolean;
};

export type End = { store: SimStore; sides: Sides; checker: Checker; world: World; settle: () => Promise<number> };

/** What holds when nothing is left to do: first as it is, then after everything that failed was tried once more. */
export async function checkEnd(end: End): Promise<void> {
  const { checker } = end;
  if (checker.violations.length > 0) return;
  await checkRecords(end);
  checkLedger(end, await readEnd(end.store));
  for (let round = 0; round < 4 && checker.violations.length === 0; round++) {
    const failed = (await readEnd(end.store)).filter(
      (row) => row.status === "FAILED" && row.reason?.code !== "DEPENDENCY_FAILED" && !isHopeless(row),
    );
    if (failed.length === 0) break;
    await retry(end, failed, round);
    await end.settle();
  }
  if (checker.violations.length > 0) return;
  const rows = await readEnd(end.store);
  checkLedger(end, rows);
  checkOutcome(end, rows);
}

/** As people do it: one after the other the same intent again, or the button. */
async function retry({ world }: End, failed: readonly EndRow[], round: number): Promise<void> {
  for (const [nth, row] of failed.entries()) {
    const { id, name, team, service, environment, deleting, definition } = row;
    const caller = developerOf(row);
    const place = { team, service, environment };
    const { type, parameters } = definition;
    await world.send(
      (nth + round) % 2 === 0
        ? requestOf({ ask: "retry", resource: id }, caller)
        : requestOf(
            {
              ask: "intent",
              key: `retry-${round}-${id}`,
              intent: deleting
                ? { action: "delete", ...place, resources: [name] }
                : { action: "apply", ...place, resources: { [name]: { type, parameters } } },
            },
            caller,
          ),
    );
  }
}

function readEnd(store: SimStore): Promise<EndRow[]> {
  return store.look<EndRow>(`select jsonb_build_object('id', r.id, 'team', r.team_id, 'service', r.service,
    'environment', r.environment, 'name', r.name, 'status', r.status, 'deleting', r.deleting,
    'reason', r.reason, 'definition', r.definition, 'dependencies', (select coalesce(jsonb_object_agg(d.name, d.outputs), '{}')
      from cairn.resource_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.depends_on
      where e.team_id = r.team_id and e.resource_id = r.id),
    'orphan', exists (select from cairn.orphans o where o.resource_id = r.id)) from cairn.resources r order by r.id`);
}

async function checkRecords({ store, checker }: End): Promise<void> {
  const known = new Set(await store.look<string>("select to_jsonb(id) from cairn.intents"));
  for (const id of checker.accepted)
    if (!known.has(id)) checker.report("I2", `intent ${id} was answered 202 and is not there`);
  const unbound = await store.look<string>(`select to_jsonb(o.id) from cairn.operations o
    left join cairn.decisions d on d.team_id = o.team_id and d.id = o.decision_id
    join cairn.resources r on r.team_id = o.team_id and r.id = o.resource_id
    where o.sent_hash is not null and (d.id is null or not d.allow
      or coalesce(d.definition_hashes->>concat_ws(' ', r.name, r.id), d.definition_hashes->>r.name) is distinct from o.decided_hash)`);
  for (const id of unbound)
    checker.report("I7", `operation ${short(id)} asked a provider without an allow bound to its definition`);
  const open = await store.look<string>(`select to_jsonb(p.intent_id) from cairn.intent_resources p
    left join cairn.operations o on o.team_id = p.team_id and o.id = p.operation_id
    where p.operation_id is not null and (o.id is null or o.status in ('PENDING', 'RUNNING', 'WAITING'))`);
  for (const id of open) checker.report("I2", `intent ${short(id)} is not terminal`);
}

/** I1 and I5: one object for what is READY, none for what is DELETED, and nothing was made more often than it had to be. */
function checkLedger({ sides, checker }: End, rows: readonly EndRow[]): void {
  const objects = sides.objects();
  for (const row of rows) {
    for (const kind of kindsOf(row)) {
      const owned = objects.filter((one) => one.owner === row.id && one.kind === kind);
      const living = owned.filter(({ deletedAt }) => deletedAt === null);
      const lost = owned.filter(({ deletedBy }) => deletedBy === "person" || deletedBy === "failure").length;
      const what = `${keyOf(row)} ${row.name} ${short(row.id)}`;
      if (living.length > 1) checker.report("I1", `${what} has ${living.length} objects`);
      if (row.status === "DELETED" && living.length > 0 && !row.orphan)
        checker.report("I5", `${what} is DELETED, and ${living[0]?.identifier} lives`);
      if (row.status === "READY" && living.length === 0 && lost === 0)
        checker.report("I5", `${what} is READY, and nothing is there`);
      if (owned.length - lost > 1) checker.report("I5", `${what} was made ${owned.length - lost} times`);
    }
  }
  const owners = new Set(rows.map(({ id }) => id));
  const stray = objects.find(({ owner, deletedAt }) => deletedAt === null && !owners.has(owner));
  if (stray !== undefined) checker.report("I5", `${stray.identifier} belongs to no resource`);
}

/** What an object of a resource is made of. */
function kindsOf({ definition: { kind } }: EndRow): string[] {
  return kind === "Postgres::Database" ? ["Postgres::Role", "Postgres::Database", "Postgres::Secret"] : [kind];
}

/** The cloud itself refuses it, however often it is asked. */
function isHopeless({ deleting, definition }: EndRow): boolean {
  const { size } = definition.parameters;
  return !deleting && (size === refusedSize || size === poisonedSize);
}

/** Where nothing fails any more, everything is as the last accepted intent says, but what the cloud itself refuses. */
function checkOutcome({ sides, checker }: End, rows: readonly EndRow[]): void {
  for (const row of rows) {
    const what = `${keyOf(row)} ${row.name} ${short(row.id)}`;
    const why = row.reason?.code;
    if (row.status === "FAILED") {
      if (!isHopeless(row) && why !== "DEPENDENCY_FAILED")
        checker.report("I3", `${what} is FAILED for good without a fault: ${why} ${row.reason?.message}`);
    }
    if (row.status === "READY") checkValues({ sides, checker }, row, what);
  }
}

function checkValues({ sides, checker }: Pick<End, "sides" | "checker">, row: EndRow, what: string): void {
  const { kind, properties } = row.definition;
  const object = sides.objects().find((one) => one.owner === row.id && one.kind === kind && one.deletedAt === null);
  if (object === undefined || object.drifted) return;
  const wanted =
    kind === "Postgres::Database"
      ? { limit: properties.ConnectionLimit as Json, open: true, settled: true }
      : (withReferencesResolved(properties, row.dependencies) as JsonObject);
  for (const [key, value] of Object.entries(wanted)) {
    if (key === "Secret" || sameJson(object.properties[key] ?? null, value)) continue;
    checker.report(
      "I5",
      `${what} is READY with ${key} ${JSON.stringify(object.properties[key])}, and ${JSON.stringify(value)} is wanted`,
    );
  }
}
