-- What a scheduled look does not find is believed when its run ends, if it ever is (law F15): a provider that denies knowing
-- much of what exists at once is mistaken about it, or the target is. How much that is can only be said of all looks
-- together, so that it does not matter in which batches, or in which order, they were written.

-- Since when looks have not found it, while that is not believed. Counts while it is READY and not older than that
-- (updated_at): what was changed since has to be looked at anew.
alter table cairn.resources add column missing_since timestamptz;
create index resources_missing on cairn.resources (environment, provider) where missing_since is not null;
-- All operations of a resource, the latest first: when it was READY last, and whether any of them asked its provider.
create index operations_resource on cairn.operations (team_id, resource_id, id desc);

-- A scheduled run's looks at one target that showed something, kept per team so that each team reads its own. What an open
-- finding says already is not missed anew.
create table cairn.drift_run_targets (
  team_id text not null,
  run_id uuid not null,
  environment text not null,
  provider text not null,
  looked integer not null default 0,
  missing integer not null default 0,
  -- Whether what was missing is; decided when the run ends.
  believed boolean,
  primary key (team_id, run_id, environment, provider)
) partition by range (run_id);

create index drift_run_targets_run on cairn.drift_run_targets (run_id);
create index drift_run_targets_halted on cairn.drift_run_targets (run_id) where not believed;
create index drift_run_targets_target on cairn.drift_run_targets (environment, provider, run_id);

-- Targets whose missing objects are not believed, from the run that ended so to the one that ends otherwise.
create table cairn.drift_halts (
  environment text not null,
  provider text not null,
  -- The last run that ended so.
  run_id uuid not null,
  halted_at timestamptz not null default now(),
  primary key (environment, provider)
);

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

do $$ begin perform cairn.make_partitions(1, 2); end $$;

-- Writes what a look showed: findings that stand no longer are resolved, those that are new are opened.
create function cairn.write_look(r cairn.resources, run uuid, differences jsonb) returns void language plpgsql as $$
declare
  gone text[];
  come text[];
begin
  with resolved as (
    update cairn.drift_findings f set resolved_at = now()
    where f.team_id = r.team_id and f.resource_id = r.id and f.resolved_at is null
      and not exists (select from jsonb_array_elements(differences) d where d->>'pointer' = f.pointer)
    returning f.pointer
  ) select array_agg(pointer order by pointer) into gone from resolved;

  with found as (
    insert into cairn.drift_findings as f (team_id, id, resource_id, pointer, expected, actual, run_id)
    select r.team_id, cairn.uuid7(), r.id, d.pointer, d.expected, d.actual, run
    from (
      select distinct on (value->>'pointer') value->>'pointer' as pointer,
        coalesce(value->'expected', 'null') as expected, coalesce(value->'actual', 'null') as actual
      from jsonb_array_elements(differences) with ordinality as each(value, place)
      order by value->>'pointer', place
    ) d
    on conflict (team_id, resource_id, pointer) where resolved_at is null
      do update set expected = excluded.expected, actual = excluded.actual
    returning f.pointer, f.run_id
  ) select array_agg(pointer order by pointer) filter (where run_id = run) into come from found;

  if gone is not null then
    perform cairn.log(r.team_id, 'cairn', 'drift.resolved', null, r.id, null, jsonb_build_object('pointers', to_jsonb(gone)));
  end if;
  if come is not null then
    perform cairn.log(r.team_id, 'cairn', 'drift.detected', null, r.id, null, jsonb_build_object('pointers', to_jsonb(come)));
  end if;
end
$$;

-- Writes what a batch of looks showed. A look at a generation that has passed, or at what is no longer READY, writes nothing;
-- one that failed changes no finding; one that this run has written before is not written again. What a scheduled look
-- misses waits for the end of its run; a person who asked about one resource is told what the look showed.
create or replace function cairn.record_drift(run uuid, sights jsonb) returns void language plpgsql as $$
declare
  asked boolean := exists (select from cairn.drift_runs d where d.id = run and d.resource_id is not null);
  s jsonb;
  r cairn.resources;
  seen boolean;
  absent boolean;
  missed boolean;
  doubted boolean;
begin
  for s in select * from jsonb_array_elements(sights) order by value->>'id' loop
    select * into r from cairn.resources x where x.team_id = s->>'team' and x.id = (s->>'id')::uuid for update;
    continue when r.id is null or r.status <> 'READY' or r.generation <> (s->>'generation')::bigint or r.drift_run_id = run;
    seen := (s->>'seen')::boolean;
    absent := seen and exists (
      select from jsonb_array_elements(s->'differences') d where d->>'pointer' = '' and d->>'actual' = 'absent');
    missed := absent and not asked and not exists (
      select from cairn.drift_findings f
      where f.team_id = r.team_id and f.resource_id = r.id and f.pointer = '' and f.resolved_at is null);
    doubted := coalesce(r.missing_since >= r.updated_at, false);

    update cairn.resources x
    set drift_run_id = run,
      missing_since = case when missed then case when doubted then x.missing_since else now() end when not seen then x.missing_since end
    where x.team_id = r.team_id and x.id = r.id;
    insert into cairn.drift_run_teams as t (team_id, run_id, checked, unreadable)
    values (r.team_id, run, seen::integer, (not seen)::integer)
    on conflict on constraint drift_run_teams_pkey do update
      set checked = t.checked + excluded.checked, unreadable = t.unreadable + excluded.unreadable;
    continue when not seen;

    if not asked then
      insert into cairn.drift_run_targets as t (team_id, run_id, environment, provider, looked, missing)
      values (r.team_id, run, r.environment, r.provider, 1, missed::integer)
      on conflict on constraint drift_run_targets_pkey do update
        set looked = t.looked + 1, missing = t.missing + excluded.missing;
    end if;
    if doubted and not absent then
      perform cairn.log(r.team_id, 'cairn', 'drift.found', null, r.id, null, '{}');
    end if;
    if not missed then
      perform cairn.write_look(r, run, s->'differences');
    end if;
  end loop;
end
$$;

-- Objects of a target that looks have missed and that are not believed to be gone.
create function cairn.missing_in(target_environment text, target_provider text) returns setof cairn.resources
language sql stable as $$
  select x.* from cairn.resources x
  where x.environment = target_environment and x.provider = target_provider and x.status = 'READY'
    and x.missing_since is not null and x.missing_since >= x.updated_at
$$;

-- Believes what a run missed, target by target, unless that is too much: more than five objects and more than one in a hundred
-- of those looked at in one pass over the target. A pass is as long as the time between two looks at one resource: its looks
-- are spread over many runs, each of which may have few. What is not believed is due again at once, and is doubted until
-- looks find enough of it.
create function cairn.believe_missing(ended cairn.drift_runs, pass_seconds double precision) returns void
language plpgsql as $$
declare
  t record;
  r cairn.resources;
  missing integer;
  -- Believed within this pass.
  lately integer;
  found_there integer;
  too_much boolean;
begin
  for t in
    select distinct x.environment, x.provider from cairn.drift_run_targets x where x.run_id = ended.id order by 1, 2
  loop
    select count(*) into missing from cairn.missing_in(t.environment, t.provider);
    select coalesce(sum(x.looked - x.missing), 0), coalesce(sum(x.missing) filter (where x.believed), 0)
    into found_there, lately
    from cairn.drift_run_targets x
    where x.environment = t.environment and x.provider = t.provider
      and x.run_id >= cairn.uuid7_floor(ended.started_at - make_interval(secs => pass_seconds));
    too_much := missing + lately > greatest(5, (found_there + missing + lately) * 0.01);

    update cairn.drift_run_targets x set believed = not too_much
    where x.run_id = ended.id and x.environment = t.environment and x.provider = t.provider and x.missing > 0;
    if too_much then
      insert into cairn.drift_halts as h (environment, provider, run_id) values (t.environment, t.provider, ended.id)
      on conflict on constraint drift_halts_pkey do update set run_id = excluded.run_id;
    else
      delete from cairn.drift_halts h where h.environment = t.environment and h.provider = t.provider;
    end if;
  end loop;

  -- One loop over all targets in the order of ids, as looks are written: neither waits for the other in a circle.
  for t in
    select x as missed, g.believed from cairn.drift_run_targets g
    join cairn.resources x on x.team_id = g.team_id and x.environment = g.environment and x.provider = g.provider
      and x.status = 'READY' and x.missing_since is not null and x.missing_since >= x.updated_at and x.drift_run_id = ended.id
    where g.run_id = ended.id and g.missing > 0
    order by x.id for update of x
  loop
    r := t.missed;
    if t.believed then
      update cairn.resources x set missing_since = null where x.team_id = r.team_id and x.id = r.id;
      perform cairn.write_look(r, ended.id, '[{ "pointer": "", "expected": "present", "actual": "absent" }]');
      continue;
    end if;
    update cairn.resources x set drift_due_at = now() where x.team_id = r.team_id and x.id = r.id;
    if r.missing_since >= ended.started_at then
      perform cairn.log(r.team_id, 'cairn', 'drift.doubted', null, r.id, null,
        jsonb_build_object('environment', r.environment, 'provider', r.provider, 'report', ended.id));
    end if;
  end loop;
  -- Those that were missing may have been deleted since, and nothing is looked at there any more.
  delete from cairn.drift_halts h where not exists (select from cairn.missing_in(h.environment, h.provider));
end
$$;

-- Ends a run and keeps, per team, how many findings stood at that moment; a verification's are those of its resource.
drop function cairn.close_drift(uuid);
create function cairn.close_drift(run uuid, pass_seconds double precision default 0) returns jsonb language plpgsql as $$
declare
  ended cairn.drift_runs;
begin
  update cairn.drift_runs d set status = 'DONE', finished_at = now() where d.id = run and d.status = 'RUNNING' returning * into ended;
  if ended.id is not null then
    perform cairn.believe_missing(ended, pass_seconds);
    insert into cairn.drift_run_teams as t (team_id, run_id, findings)
    select f.team_id, run, count(*) from cairn.drift_findings f
    where f.resolved_at is null
      and (ended.resource_id is null or (f.team_id = ended.resource_team and f.resource_id = ended.resource_id))
    group by f.team_id
    on conflict on constraint drift_run_teams_pkey do update set findings = excluded.findings;
  end if;
  return (
    select jsonb_build_object('checked', coalesce(sum(t.checked), 0), 'unreadable', coalesce(sum(t.unreadable), 0),
      'findings', coalesce(sum(t.findings), 0),
      'halted', (select count(distinct (g.environment, g.provider)) from cairn.drift_run_targets g where g.run_id = run and not g.believed))
    from cairn.drift_run_teams t where t.run_id = run);
end
$$;

alter table cairn.drift_run_targets enable row level security;
create policy team on cairn.drift_run_targets to cairn_api using (team_id = (select nullif(current_setting('cairn.team', true), '')));
create policy platform on cairn.drift_run_targets to cairn_platform using (true);
create policy worker on cairn.drift_run_targets to cairn_worker using (true);

grant select on cairn.drift_run_targets, cairn.drift_halts to cairn_api, cairn_platform, cairn_worker;
grant insert, update on cairn.drift_run_targets, cairn.drift_halts to cairn_worker;
grant delete on cairn.drift_halts to cairn_worker;

revoke execute on all functions in schema cairn from public;
grant execute on function cairn.write_look(cairn.resources, uuid, jsonb), cairn.missing_in(text, text),
  cairn.believe_missing(cairn.drift_runs, double precision), cairn.close_drift(uuid, double precision)
  to cairn_worker;
