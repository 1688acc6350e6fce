import type pg from "pg";

export const teams = 200;
const perTeam = 500;

/**
 * 100,000 resources of 200 teams in SQL: each with an operation and an audit entry or two, some deleted, an edge for half
 * of them, findings for two of seven. Triggers are off for the foreign keys' sake; every reference is true all the same.
 */
export async function seed(session: pg.Client): Promise<void> {
  const rows = teams * perTeam;
  const id = (n: string, salt: number) =>
    `(encode(substring(int8send(floor(extract(epoch from now()) * 1000)::bigint - 60000 + ${n} / 10) from 3), 'hex')
      || '7' || lpad(to_hex(${salt}), 3, '0') || '8' || lpad(to_hex(${n}), 15, '0'))::uuid`;
  const statements = [
    "set session_replication_role = replica",
    "set work_mem = '64MB'",
    `insert into cairn.teams (team_id) select 'team-' || lpad(t::text, 3, '0') from generate_series(0, ${teams - 1}) t`,
    `insert into cairn.services (team_id, service) select team_id, 'service-' || s from cairn.teams, generate_series(0, 9) s`,
    `insert into cairn.service_environments (team_id, service, environment, version)
     select s.team_id, s.service, e.environment, 1 from cairn.services s, cairn.environments e`,
    `create temporary table seeded as
     select n, 'team-' || lpad((n % ${teams})::text, 3, '0') as team, 'service-' || (n / ${teams} % 10) as service,
       (array['development', 'staging', 'production'])[1 + n / ${teams * 10} % 3] as environment,
       (array['postgres', 'redis', 'bucket', 'topic', 'queue', 'secret', 'parameter'])[1 + n % 7] as type,
       case when n / ${teams} % 10 = 9 and n % 3 = 0 then 'DELETED' when n % 97 = 0 then 'FAILED' else 'READY' end as status,
       ${id("n", 1)} as resource, ${id("n", 2)} as operation, ${id("n", 3)} as past, ${id("n", 4)} as intent, ${id("n", 5)} as decision
     from generate_series(0, ${rows - 1}) n`,
    `insert into cairn.resources (team_id, id, service, environment, name, type, version, provider, status, generation, definition,
       definition_hash, deleting, operation_id, decision_id, drift_due_at)
     select team, resource, service, environment, 'r' || n, type, 1, 'aws', status, 2,
       '{"kind": "AWS::S3::Bucket", "provider": "aws", "properties": {}, "outputs": {"name": "x"}}', 'h', status = 'DELETED', operation,
       decision, now() + interval '1 hour' from seeded`,
    `insert into cairn.operations (team_id, id, resource_id, generation, kind, status, due_at, definition, decided_hash, decision_id, token)
     select team, operation, resource, 2, 'apply', case when status = 'FAILED' then 'FAILED' else 'SUCCEEDED' end, now(), '{}'::jsonb, 'h', decision, 't'
     from seeded
     union all select team, past, resource, 1, 'apply', 'SUCCEEDED', now(), '{}'::jsonb, 'h', decision, 't' from seeded where n / ${teams} % 7 = 0`,
    `insert into cairn.audit_log (team_id, id, actor, event, resource_id)
     select team, past, 'dana', 'resource.create', resource from seeded
     union all select team, operation, 'dana', 'operation.ready', resource from seeded where n / ${teams} % 2 = 0`,
    `insert into cairn.intents (team_id, id, service, environment, action, document, decision_id, subject)
     select team, intent, service, environment, 'apply', '{}', decision, 'dana' from seeded where n / ${teams} % 7 < 2`,
    `insert into cairn.intent_resources (team_id, intent_id, resource_id, name, type, operation_id)
     select team, intent, resource, 'r' || n, type, operation from seeded where n / ${teams} % 7 < 2`,
    `insert into cairn.decisions (team_id, id, intent_id, allow, policy_revision, wasm_hash, input_hash, definition_hashes, violations, warnings, subject)
     select team, decision, intent, true, '1', 'w', 'i', '{}', '[]', '[]', 'dana' from seeded where n / ${teams} % 7 < 2`,
    `insert into cairn.idempotency_keys (team_id, key, request_hash, intent_id, response) select team, 'k' || n, 'h', intent, '{}' from seeded where n / ${teams} % 7 < 2`,
    // Within a service and environment, every second resource uses the one before it.
    `insert into cairn.resource_dependencies (team_id, resource_id, depends_on)
     select * from (
       select team, resource, lag(resource) over (partition by team, service, environment order by n) as before from seeded
       where status <> 'DELETED') e where before is not null and random() < 0.5`,
    "insert into cairn.outside_dependencies select * from cairn.resource_dependencies",
    `insert into cairn.drift_findings (team_id, id, resource_id, pointer, expected, actual, run_id, resolved_at)
     select team, cairn.uuid7(), resource, '/A', '1', '2', ${id("1", 6)}, case when n / ${teams} % 7 = 0 then now() end from seeded where n / ${teams} % 7 < 2 and status = 'READY'`,
    `insert into cairn.drift_runs (id, status, finished_at) select ${id("n", 6)}, 'DONE', now() from generate_series(0, 499) n`,
    `insert into cairn.drift_run_teams (team_id, run_id, checked, findings)
     select t.team_id, r.id, 5, 50 from cairn.drift_runs r, cairn.teams t where t.team_id < 'team-040'`,
    `insert into cairn.drift_run_targets (team_id, run_id, environment, provider, looked, believed)
     select t.team_id, t.run_id, e.environment, 'aws', 5, true from cairn.drift_run_teams t, cairn.environments e`,
    `insert into cairn.targets values ('staging', 'aws', '{}') on conflict do nothing`,
    "reset session_replication_role",
  ];
  const { rows: indexes } = await session.query<{ name: string; definition: string }>(indexesOf);
  for (const { name } of indexes) await session.query(`drop index cairn.${name}`);
  for (const statement of statements) await session.query(statement);
  // The definition names the parent alone; its partitions are to have the index as well.
  for (const { definition } of indexes) await session.query(definition.replace(" ON ONLY ", " ON "));
  await session.query("analyze");
}

/** Those of no constraint: built after the rows, they cost a third. */
const indexesOf = `
  select c.relname as name, pg_get_indexdef(c.oid) as definition from pg_class c
  join pg_index i on i.indexrelid = c.oid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'cairn' and not c.relispartition and not exists (select from pg_constraint k where k.conindid = c.oid)`;
