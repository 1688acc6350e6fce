-- Partitions of a month each, cut by the time inside a UUIDv7. Made two months ahead, dropped when their retention is over.

create or replace function cairn.make_partitions(months_back integer, months_ahead integer) returns void
language plpgsql as $$
declare
  parent text;
  first_day timestamp;
begin
  -- "if not exists" does not hold between two that look at once.
  perform pg_advisory_xact_lock(7243003);
  foreach parent in array array['intents', 'intent_resources', 'operations', 'decisions', 'audit_log', 'drift_runs',
    'drift_run_teams', 'drift_run_targets'] loop
    for first_day in
      select generate_series(
        date_trunc('month', now() at time zone 'UTC') - make_interval(months => months_back),
        date_trunc('month', now() at time zone 'UTC') + make_interval(months => months_ahead),
        interval '1 month')
    loop
      execute format('create table if not exists cairn.%I partition of cairn.%I for values from (%L) to (%L)',
        parent || to_char(first_day, '_YYYY_MM'), parent,
        cairn.uuid7_floor(first_day at time zone 'UTC'),
        cairn.uuid7_floor((first_day + interval '1 month') at time zone 'UTC'));
    end loop;
  end loop;
end
$$;

-- Drops the partitions that ended before the retention began, but none that still holds an open operation.
create or replace function cairn.drop_partitions(retention_months integer) returns integer
language plpgsql as $$
declare
  part record;
  open_work boolean;
  dropped integer := 0;
begin
  for part in
    select c.relname as name, p.relname as parent
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    join pg_class p on p.oid = i.inhparent
    join pg_namespace n on n.oid = p.relnamespace
    where n.nspname = 'cairn' and p.relkind = 'p'
      and c.relname ~ '_\d{4}_\d{2}$'
      and to_date(right(c.relname, 7), 'YYYY_MM') + make_interval(months => retention_months + 1) <= now() at time zone 'UTC'
  loop
    open_work := false;
    if part.parent = 'operations' then
      execute format('select exists (select from cairn.%I where status in (''PENDING'', ''RUNNING'', ''WAITING''))', part.name)
        into open_work;
    end if;
    if not open_work then
      execute format('drop table cairn.%I', part.name);
      dropped := dropped + 1;
    end if;
  end loop;
  return dropped;
end
$$;

-- One bounded batch of what is pruned by row, but not what somebody may still use outside: its outputs are part of what was asked
-- for. Returns how many rows went; call again until 0.
create or replace function cairn.prune(batch integer, retention_months integer) returns integer
language plpgsql as $$
declare
  gone integer;
  total integer := 0;
begin
  delete from cairn.idempotency_keys k using (
    select team_id, key from cairn.idempotency_keys where created_at < now() - interval '7 days' order by created_at limit batch
  ) old where k.team_id = old.team_id and k.key = old.key;
  get diagnostics gone = row_count;
  total := total + gone;

  delete from cairn.drift_findings f using (
    select team_id, id from cairn.drift_findings
    where resolved_at < now() - make_interval(months => retention_months) limit batch
  ) old where f.team_id = old.team_id and f.id = old.id;
  get diagnostics gone = row_count;
  total := total + gone;

  delete from cairn.resources r using (
    select x.team_id, x.id from cairn.resources x
    where x.status = 'DELETED' and x.updated_at < now() - make_interval(months => retention_months)
      and not exists (select from cairn.drift_findings f where f.team_id = x.team_id and f.resource_id = x.id)
      and not exists (
        select from cairn.outside_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id
        where e.team_id = x.team_id and e.depends_on = x.id and d.status <> 'DELETED')
    order by x.updated_at limit batch
  ) old where r.team_id = old.team_id and r.id = old.id;
  get diagnostics gone = row_count;
  return total + gone;
end
$$;
