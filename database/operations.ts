import type { Definition } from "../core/definition.ts";
import type { Answer, OperationRef, Progress, Work } from "../core/operation.ts";
import type { Absence, Advance, ClaimResult, WorkerStore } from "../core/store.ts";
import type { Database } from "./data-api.ts";

/**
 * Of what was applied, the members in which something can be missing now, the last READY's first. 24,000 bytes at most, with the
 * outputs that it uses: with a definition of 32 KiB, more would not fit into a row of the Data API (64 KB).
 */
const mayBeTakenBack = `(
    select coalesce(jsonb_agg(f.members order by f.nth), '[]') from (
      select c.members, c.nth, sum(octet_length(c.members::text)) over (order by c.nth) as bytes from (
        select a.nth, (select jsonb_object_agg(m.key, m.value) from jsonb_each(a.properties) m
          where m.value is distinct from op.definition->'properties'->m.key
            and (jsonb_typeof(m.value) in ('object', 'array') or op.definition->'properties'->m.key is null)) as members
        from jsonb_array_elements(r.applied) with ordinality a(properties, nth)) c
      where c.members is not null) f
    where f.bytes <= 24000 - coalesce(octet_length(${dependencyOutputs()}::text), 0))`;

/**
 * For an operation that was overtaken after it had asked: the edges are the newer generation's, and without these values it
 * could not find out what became of what it asked for. Of the resources of a name, the one that had it when the operation was
 * accepted: the newest of those that were there.
 */
const outputsOnceReferenced = `(
    select coalesce(jsonb_object_agg(d.name, d.outputs), '{}') from (
      select distinct on (x.name) x.name, x.outputs from cairn.resources x
      where x.team_id = r.team_id and x.service = r.service and x.environment = r.environment
        and strpos(op.definition->>'properties', '${"$"}{resources.' || x.name || '.outputs.') > 0
        and x.created_at <= op.created_at
      order by x.name, x.created_at desc, x.id desc) d)`;

/**
 * Renews the lease and reads what there is to do, in one statement fenced by the epoch. Calls beyond those reserved when it was
 * claimed are charged here, even into a debt: who goes on looking for an hour pays for it.
 */
const renewAndRead = (calls: number | string, alsoSet = "") => `
  with op as (
    update cairn.operations o
    set due_at = now() + make_interval(secs => :lease), takeovers = 0, calls_left = o.calls_left - ${calls}${alsoSet}
    where o.team_id = :team and o.id = :operation::uuid and o.epoch = :epoch and o.status = 'RUNNING'
    returning o.*
  ), charged as (
    update cairn.target_budgets b
    set tokens = cairn.indebted(b.tokens, least(${calls}, -op.calls_left), cairn.target_rate(t.config))
    from op join cairn.resources x on x.team_id = op.team_id and x.id = op.resource_id
    join cairn.targets t on t.environment = x.environment and t.provider = op.definition->>'provider'
    where op.calls_left < 0 and b.environment = t.environment and b.provider = t.provider
  )
  select jsonb_build_object(
    'kind', op.kind, 'generation', op.generation, 'attempt', op.attempt - op.attempts_before, 'waits', op.waits, 'stumbles', op.stumbles,
    'token', op.token, 'tokenAgeSeconds', extract(epoch from now() - op.token_used_at),
    'request', r.request, 'sentHash', case when r.request is not null then op.sent_hash else r.sent_hash end, 'decidedHash', op.decided_hash, 'superseded', r.operation_id <> op.id, 'definition', op.definition,
    'resource', jsonb_build_object('id', r.id, 'team', r.team_id, 'service', r.service, 'environment', r.environment,
      'name', r.name, 'identifier', r.identifier),
    'applied', ${mayBeTakenBack},
    'dependencies', case when r.operation_id = op.id then ${dependencyOutputs()} else ${outputsOnceReferenced} end,
    'probing', exists (select from cairn.breakers b where b.probe_operation = op.id and b.environment = r.environment
      and b.provider = op.definition->>'provider' and b.service = cairn.provider_service(op.definition->>'kind')),
    'readySeconds', case when r.identifier is not null and op.token_used_at is null then (
      select extract(epoch from now() - o.finished_at) from cairn.operations o
      where o.team_id = r.team_id and o.resource_id = r.id and o.kind = 'apply' and o.status = 'SUCCEEDED' order by o.id desc limit 1) end,
    'target', (select t.config from cairn.targets t where t.environment = r.environment and t.provider = op.definition->>'provider')
  ) as row
  from op join cairn.resources r on r.team_id = op.team_id and r.id = op.resource_id`;

/** Outputs of what the resource `r` depends on, by name. */
export function dependencyOutputs(): string {
  return `(select coalesce(jsonb_object_agg(d.name, d.outputs), '{}') from cairn.resource_dependencies e
      join cairn.resources d on d.team_id = e.team_id and d.id = e.depends_on where e.team_id = r.team_id and e.resource_id = r.id)`;
}

/**
 * How many of those that became startable are named; they stand in one row of the Data API (64 KB), and nothing says how many use
 * one resource. The sweep starts the others: they are due.
 */
const namedAtMost = 100;

/** For who follows what happens: the operation is known by its id, and what it is about is not. */
const itsResource =
  "'resource', (select o.resource_id from cairn.operations o where o.team_id = :team and o.id = :operation::uuid)";

export const operationSql = {
  claim: `select jsonb_build_object('outcome', cairn.claim_operation(:team, :operation::uuid, :epoch, :lease), ${itsResource})`,
  work: renewAndRead(2),
  workToSend: renewAndRead(
    "(1 + :beyond::integer)",
    ", token_used_at = coalesce(o.token_used_at, now()), sent_hash = :sentHash, absent_since = case when :found then null else o.absent_since end",
  ),
  absent: "select cairn.note_absence(:team, :operation::uuid, :epoch)",
  advance: `select jsonb_build_object('startable', jsonb_path_query_array(
    cairn.advance_and_charge(:team, :operation::uuid, :epoch, :progress::jsonb), '$[0 to ${namedAtMost - 1}]'), ${itsResource})`,
  sweep: "select s from cairn.sweep(:batch::integer, :grace) s",
};

/** @param seen told which resource a step is about, once the store has said so */
export function operationQueries(database: Database, seen: (resource: string) => void = () => {}): WorkerStore {
  const read = async (
    sql: string,
    ref: OperationRef,
    more: { [name: string]: string | number | boolean },
  ): Promise<Work | null> => {
    const [row] = await database.rows<Omit<Work, "ref">>(sql, { ...ref, ...more });
    if (row === undefined) return null;
    seen(row.resource.id);
    return { ref, ...row, definition: row.definition as Definition };
  };
  return {
    async claim(ref, leaseSeconds): Promise<ClaimResult> {
      const [claimed] = await database.rows<ClaimResult & { resource: string | null }>(operationSql.claim, {
        ...ref,
        lease: leaseSeconds,
      });
      if (claimed?.resource) seen(claimed.resource);
      return { outcome: claimed?.outcome ?? "lost" };
    },
    work: (ref, leaseSeconds) => read(operationSql.work, ref, { lease: leaseSeconds }),
    workToSend: (ref, leaseSeconds, sentHash, found, beyond = 0) =>
      read(operationSql.workToSend, ref, { lease: leaseSeconds, sentHash, found, beyond }),
    async absent(ref): Promise<Absence | null> {
      const [absence] = await database.rows<Absence | null>(operationSql.absent, { ...ref });
      return absence ?? null;
    },
    async advance(ref, progress: Progress, answer?: Answer): Promise<Advance> {
      const [advanced] = await database.rows<{ startable: OperationRef[] | null; resource: string | null }>(
        operationSql.advance,
        { ...ref, progress: JSON.stringify({ ...progress, ...answer }) },
      );
      if (advanced?.resource) seen(advanced.resource);
      return advanced?.startable ? { outcome: "written", startable: advanced.startable } : { outcome: "lost" };
    },
    sweep: ({ batch, graceSeconds }) => database.rows<OperationRef>(operationSql.sweep, { batch, grace: graceSeconds }),
  };
}
