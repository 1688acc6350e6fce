import type { Caller } from "../../core/caller.ts";
import type { Definition } from "../../core/definition.ts";
import type { Intent } from "../../core/intent.ts";
import { type Json, type JsonObject, sameJson } from "../../core/json.ts";
import { withReferencesResolved } from "../../core/reference.ts";
import { type Checker, short } from "./checker.ts";
import type { SimCloud } from "./cloud.ts";
import { refusedSize } from "./kinds.ts";
import type { SimStore } from "./store.ts";
import type { World } from "./world.ts";

type EndRow = {
  id: string;
  name: string;
  status: string;
  deleting: boolean;
  reason: { code: string; message: string } | null;
  definition: Definition;
  dependencies: { [name: string]: { [key: string]: Json } };
};

type End = {
  store: SimStore;
  cloud: SimCloud;
  checker: Checker;
  world: World;
  caller: Caller;
  settle: () => Promise<number>;
};

/** What holds when nothing is left to do: first as it is, then after everything that failed was tried once more. */
export async function checkEnd(end: End): Promise<void> {
  await checkRecords(end);
  checkLedger(end, await readEnd(end.store));
  for (let round = 0; round < 4 && end.checker.violations.length === 0; round++) {
    const rows = await readEnd(end.store);
    const failed = rows.filter(
      ({ status, reason }) =>
        status === "FAILED" && reason?.code !== "DEPENDENCY_FAILED" && reason?.code !== "PROVIDER_REJECTED",
    );
    if (failed.length === 0) break;
    await retry(end, failed, round);
    await end.settle();
  }
  if (end.checker.violations.length > 0) return;
  const rows = await readEnd(end.store);
  checkLedger(end, rows);
  checkOutcome(end, rows);
}

async function retry({ world, caller }: End, failed: EndRow[], round: number): Promise<void> {
  const place = { team: "payments", service: "orders", environment: "staging" };
  for (const { name, deleting, definition } of failed) {
    const intent: Intent = deleting
      ? { action: "delete", ...place, resources: [name] }
      : {
          action: "apply",
          ...place,
          resources: { [name]: { type: definition.type, parameters: definition.parameters } },
        };
    await world.send({ key: `retry-${round}-${name}-${deleting}`, intent, caller, run: null, answer: null });
  }
}

function readEnd(store: SimStore): Promise<EndRow[]> {
  return store.look<EndRow>(`select jsonb_build_object('id', r.id, 'name', r.name, 'status', r.status, 'deleting', r.deleting,
    'reason', r.reason, 'definition', r.definition, 'dependencies', (select coalesce(jsonb_object_agg(d.name, d.outputs), '{}')
      from cairn.resource_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.depends_on
      where e.team_id = r.team_id and e.resource_id = r.id)) from cairn.resources r order by r.id`);
}

async function checkRecords({ store, checker }: End): Promise<void> {
  const known = new Set(await store.look<string>("select to_jsonb(id) from cairn.intents"));
  for (const id of checker.accepted)
    if (!known.has(id)) checker.report("I2", `intent ${id} was answered 202 and is not there`);
  const unbound = await store.look<string>(`select to_jsonb(o.id) from cairn.operations o
    left join cairn.decisions d on d.team_id = o.team_id and d.id = o.decision_id
    join cairn.resources r on r.team_id = o.team_id and r.id = o.resource_id
    where o.sent_hash is not null and (d.id is null or not d.allow or d.definition_hashes->>r.name is distinct from o.decided_hash)`);
  for (const id of unbound)
    checker.report("I7", `operation ${short(id)} asked a provider without an allow bound to its definition`);
  const open = await store.look<string>(`select to_jsonb(p.intent_id) from cairn.intent_resources p
    left join cairn.operations o on o.team_id = p.team_id and o.id = p.operation_id
    where p.operation_id is not null and (o.id is null or o.status in ('PENDING', 'RUNNING', 'WAITING'))`);
  for (const id of open) checker.report("I2", `intent ${short(id)} is not terminal`);
}

/** I1 and I5: one object for what is READY, none for what is DELETED, and nothing was made more often than it had to be. */
function checkLedger({ cloud, checker }: End, rows: EndRow[]): void {
  const owned = (id: string) => cloud.objects.filter(({ owner }) => owner === id);
  for (const row of rows) {
    const objects = owned(row.id);
    const living = objects.filter(({ deletedAt }) => deletedAt === null);
    const lost = objects.filter(({ deletedBy }) => deletedBy === "person" || deletedBy === "failure").length;
    if (living.length > 1) checker.report("I1", `${row.name} has ${living.length} objects`);
    if (row.status === "DELETED" && living.length > 0)
      checker.report("I5", `${row.name} is DELETED, and ${living[0]?.identifier} lives`);
    if (row.status === "READY" && living.length === 0 && lost === 0)
      checker.report("I5", `${row.name} is READY, and nothing is there`);
    if (objects.length - lost > 1) checker.report("I5", `${row.name} was made ${objects.length - lost} times`);
  }
  const owners = new Set(rows.map(({ id }) => id));
  const orphan = cloud.objects.find(({ owner, deletedAt }) => deletedAt === null && !owners.has(owner));
  if (orphan !== undefined) checker.report("I5", `${orphan.identifier} belongs to no resource`);
}

/** Where nothing fails any more, everything is as the last accepted intent says, but what the cloud itself refuses. */
function checkOutcome({ cloud, checker }: End, rows: EndRow[]): void {
  const refused = new Set(
    rows
      .filter(({ definition, deleting }) => definition.parameters.size === refusedSize && !deleting)
      .map(({ id }) => id),
  );
  for (const row of rows) {
    if (row.status === "FAILED") {
      const why = row.reason?.code;
      const fair = refused.has(row.id) || why === "DEPENDENCY_FAILED";
      if (!fair) checker.report("I3", `${row.name} is FAILED for good without a fault: ${why} ${row.reason?.message}`);
      continue;
    }
    if (row.status !== "READY") continue;
    const object = cloud.objects.find(({ owner, deletedAt }) => owner === row.id && deletedAt === null);
    if (object === undefined || object.drifted) continue;
    const wanted = withReferencesResolved(row.definition.properties, row.dependencies) as JsonObject;
    for (const [key, value] of Object.entries(wanted)) {
      if (key === "Secret") continue;
      if (!sameJson(object.properties[key] ?? null, value)) {
        checker.report(
          "I5",
          `${row.name} is READY with ${key} ${JSON.stringify(object.properties[key])}, and ${JSON.stringify(value)} is wanted`,
        );
      }
    }
  }
}
