-- One role for each kind of caller. None owns anything or can bypass row-level security. The api role sees one team's rows,
-- named by the setting cairn.team for the length of a transaction; without the setting it sees none. The platform and the
-- workers have policies of their own, since "team = … or role = …" would be a sequential scan.
-- The setting stands in a subselect of its own, read once when the scan begins: a bare current_setting() is read by the
-- planner too, before it is set, who then expects no row at all and takes any index (482 rows read for 5).
-- The roles themselves are made by the migrate function, which knows their secrets.

do $$
begin
  execute format('revoke connect, temporary on database %I from public', current_database());
  execute format('grant connect on database %I to cairn_api, cairn_platform, cairn_worker', current_database());
end
$$;

grant usage on schema cairn to cairn_api, cairn_platform, cairn_worker;

do $$
declare
  owned text;
begin
  foreach owned in array array['teams', 'services', 'service_environments', 'intents', 'intent_resources', 'resources',
    'resource_dependencies', 'operations', 'decisions', 'audit_log', 'idempotency_keys', 'drift_run_teams', 'drift_findings']
  loop
    execute format('alter table cairn.%I enable row level security', owned);
    execute format('drop policy if exists team on cairn.%I', owned);
    execute format('drop policy if exists platform on cairn.%I', owned);
    execute format('drop policy if exists worker on cairn.%I', owned);
    execute format('create policy team on cairn.%I to cairn_api using (team_id = (select nullif(current_setting(''cairn.team'', true), '''')))', owned);
    execute format('create policy platform on cairn.%I to cairn_platform using (true)', owned);
    execute format('create policy worker on cairn.%I to cairn_worker using (true)', owned);
  end loop;
end
$$;

-- A run over everything is the platform's and says nothing of a team; a verification is its team's.
alter table cairn.drift_runs enable row level security;
create policy team on cairn.drift_runs to cairn_api using (
  nullif(current_setting('cairn.team', true), '') is not null
  and (resource_team is null or resource_team = current_setting('cairn.team', true))
) with check (resource_team = nullif(current_setting('cairn.team', true), ''));
create policy platform on cairn.drift_runs to cairn_platform using (true);
create policy worker on cairn.drift_runs to cairn_worker using (true);

grant select on all tables in schema cairn to cairn_api, cairn_platform, cairn_worker;
revoke all on cairn.migrations from cairn_api, cairn_platform, cairn_worker;
-- A partition read directly would bypass its parent's policy.
do $$
declare
  part text;
begin
  for part in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'cairn' and c.relkind = 'r'
  loop
    execute format('revoke all on cairn.%I from cairn_api, cairn_platform, cairn_worker', part);
  end loop;
end
$$;

grant insert on cairn.intents, cairn.intent_resources, cairn.decisions, cairn.audit_log
  to cairn_api, cairn_platform;
grant insert, update on cairn.services, cairn.service_environments, cairn.resources, cairn.operations, cairn.idempotency_keys
  to cairn_api, cairn_platform;
grant insert, delete on cairn.resource_dependencies to cairn_api, cairn_platform;
grant insert on cairn.drift_runs, cairn.drift_run_teams to cairn_api, cairn_platform;
grant insert, update on cairn.teams, cairn.environments to cairn_platform;

grant insert on cairn.audit_log to cairn_worker;
grant insert, update on cairn.operations, cairn.drift_findings, cairn.drift_runs, cairn.drift_run_teams to cairn_worker;
grant update on cairn.resources, cairn.service_environments to cairn_worker;
grant insert, delete on cairn.resource_dependencies to cairn_worker;

grant usage on sequence cairn.event_order to cairn_api, cairn_platform, cairn_worker;
revoke execute on all functions in schema cairn from public;
-- Nor what a later migration forgets to revoke.
alter default privileges revoke execute on functions from public;
grant execute on function cairn.uuid7() to cairn_api, cairn_platform, cairn_worker;
grant execute on function cairn.uuid7_floor(timestamptz) to cairn_api, cairn_platform, cairn_worker;
