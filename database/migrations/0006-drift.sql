-- Opens a run that looks at one resource.
create or replace function cairn.open_verification(run uuid, resource uuid, seen_team text, actor text) returns text language plpgsql as $$
declare
  r cairn.resources;
begin
  perform set_config('cairn.team', seen_team, true);
  select * into r from cairn.resources x where x.id = resource;
  if r.id is null then
    return 'not-found';
  end if;
  if r.status <> 'READY' then
    return 'not-ready';
  end if;
  insert into cairn.drift_runs (id, resource_id, resource_team) values (run, r.id, r.team_id);
  insert into cairn.drift_run_teams (team_id, run_id) values (r.team_id, run);
  perform cairn.log(r.team_id, actor, 'drift.verification', null, r.id, null, jsonb_build_object('report', run));
  return 'opened';
end
$$;

-- Writes what a batch of looks showed. A look at a generation that has passed, or at what is no longer READY, writes nothing;
-- one that failed changes no finding; one that this run has written before is not written again.
create or replace function cairn.record_drift(run uuid, sights jsonb) returns void language plpgsql as $$
declare
  s jsonb;
  r cairn.resources;
  gone text[];
  come text[];
begin
  for s in select * from jsonb_array_elements(sights) order by value->>'id' loop
    select * into r from cairn.resources x where x.team_id = s->>'team' and x.id = (s->>'id')::uuid for update;
    continue when r.id is null or r.status <> 'READY' or r.generation <> (s->>'generation')::bigint or r.drift_run_id = run;
    update cairn.resources x set drift_run_id = run where x.team_id = r.team_id and x.id = r.id;
    insert into cairn.drift_run_teams as t (team_id, run_id, checked, unreadable)
    values (s->>'team', run, case when (s->>'seen')::boolean then 1 else 0 end, case when (s->>'seen')::boolean then 0 else 1 end)
    on conflict on constraint drift_run_teams_pkey do update
      set checked = t.checked + excluded.checked, unreadable = t.unreadable + excluded.unreadable;
    continue when not (s->>'seen')::boolean;

    with resolved as (
      update cairn.drift_findings f set resolved_at = now()
      where f.team_id = r.team_id and f.resource_id = r.id and f.resolved_at is null
        and not exists (select from jsonb_array_elements(s->'differences') d where d->>'pointer' = f.pointer)
      returning f.pointer
    ) select array_agg(pointer order by pointer) into gone from resolved;

    with found as (
      insert into cairn.drift_findings as f (team_id, id, resource_id, pointer, expected, actual, run_id)
      select r.team_id, cairn.uuid7(), r.id, d.pointer, d.expected, d.actual, run
      from (
        select distinct on (value->>'pointer') value->>'pointer' as pointer,
          coalesce(value->'expected', 'null') as expected, coalesce(value->'actual', 'null') as actual
        from jsonb_array_elements(s->'differences') with ordinality as each(value, place)
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
  end loop;
end
$$;

-- Ends a run and keeps, per team, how many findings stood at that moment; a verification's are those of its resource.
create or replace function cairn.close_drift(run uuid) returns jsonb language plpgsql as $$
declare
  ended cairn.drift_runs;
begin
  update cairn.drift_runs d set status = 'DONE', finished_at = now() where d.id = run and d.status = 'RUNNING' returning * into ended;
  if ended.id is not null then
    insert into cairn.drift_run_teams as t (team_id, run_id, findings)
    select f.team_id, run, count(*) from cairn.drift_findings f
    where f.resolved_at is null
      and (ended.resource_id is null or (f.team_id = ended.resource_team and f.resource_id = ended.resource_id))
    group by f.team_id
    on conflict on constraint drift_run_teams_pkey do update set findings = excluded.findings;
  end if;
  return (
    select jsonb_build_object('checked', coalesce(sum(t.checked), 0), 'unreadable', coalesce(sum(t.unreadable), 0),
      'findings', coalesce(sum(t.findings), 0))
    from cairn.drift_run_teams t where t.run_id = run);
end
$$;

-- The last of the functions so far: nobody calls what was not granted.
revoke execute on all functions in schema cairn from public;
grant execute on function cairn.uuid7(), cairn.uuid7_floor(timestamptz), cairn.provider_token(uuid, bigint, text, integer),
  cairn.reason(text, text, timestamptz), cairn.iso(timestamptz), cairn.log(text, text, text, uuid, uuid, uuid, jsonb),
  cairn.ref(cairn.operations), cairn.settle(text, uuid[]), cairn.neighbours(text, uuid, text),
  cairn.enqueue(text, uuid, uuid, bigint, text, jsonb, text, uuid, double precision)
  to cairn_api, cairn_platform, cairn_worker;
grant execute on function cairn.accept_intent(jsonb, double precision), cairn.insert_decision(text, text, uuid, boolean, jsonb),
  cairn.record_denial(jsonb), cairn.put_service(text, text, text, text, text), cairn.open_verification(uuid, uuid, text, text)
  to cairn_api, cairn_platform;
grant execute on function cairn.put_team(text, text, text, text), cairn.put_environment(text, text, text) to cairn_platform;
grant execute on function cairn.reapply_dependents(text, uuid), cairn.record_drift(uuid, jsonb), cairn.close_drift(uuid)
  to cairn_worker;
