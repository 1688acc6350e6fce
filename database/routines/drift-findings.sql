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
  charge record;
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

  -- What was gone and had to be looked for in long lists. Budgets come last in the lock order, and one after the other.
  for charge in
    select t.environment, t.provider, cairn.target_rate(t.config) as rate, sum((l->>'beyond')::integer)::integer as calls
    from jsonb_array_elements(sights) l
    join cairn.resources x on x.team_id = l->>'team' and x.id = (l->>'id')::uuid
    join cairn.targets t on t.environment = x.environment and t.provider = x.provider
    where (l->>'beyond')::integer > 0
    group by t.environment, t.provider order by t.environment, t.provider
  loop
    update cairn.target_budgets b set tokens = cairn.indebted(b.tokens, charge.calls, charge.rate)
    where b.environment = charge.environment and b.provider = charge.provider;
  end loop;
end
$$;

-- Writes what a look showed: findings that stand no longer are resolved, those that are new are opened.
create or replace function cairn.write_look(r cairn.resources, run uuid, differences jsonb) returns void language plpgsql as $$
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

grant execute on function cairn.record_drift(uuid, jsonb), cairn.write_look(cairn.resources, uuid, jsonb) to cairn_worker;
