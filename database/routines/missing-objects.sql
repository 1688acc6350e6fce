-- What a scheduled look does not find is believed when its run ends, if it ever is (law F15): a provider that denies knowing
-- much of what exists at once is mistaken about it, or the target is. How much that is can only be said of all looks
-- together, so that it does not matter in which batches, or in which order, they were written.

-- Believes what a run missed, target by target, unless that is too much: more than five objects and more than one in a hundred
-- of those looked at in one pass over the target. A pass is as long as the time between two looks at one resource: its looks
-- are spread over many runs, each of which may have few. What is not believed is due again at once, and is doubted until
-- looks find enough of it.
-- A run that halts a target doubts also what runs shortly before it have believed to be gone there: the first objects that a
-- mistaken provider denies are few enough to be believed. They are due again at once, so that their findings end with the halt and
-- not an hour or six after it.
create or replace function cairn.believe_missing(ended cairn.drift_runs, pass_seconds double precision) returns void
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
  -- After the loop and without waiting, for the same reason; what is locked is being looked at or changed.
  update cairn.resources x set drift_due_at = now()
  from (
    select y.team_id, y.id
    from cairn.drift_halts h
    join cairn.drift_run_targets g on g.environment = h.environment and g.provider = h.provider and g.believed and g.missing > 0
      and g.run_id >= cairn.uuid7_floor(ended.started_at - make_interval(secs => pass_seconds))
    join cairn.drift_findings f on f.team_id = g.team_id and f.run_id = g.run_id and f.pointer = '' and f.resolved_at is null
    join cairn.resources y on y.team_id = f.team_id and y.id = f.resource_id and y.environment = h.environment
      and y.provider = h.provider and y.status = 'READY'
    where h.run_id = ended.id
    for update of y skip locked
  ) again
  where x.team_id = again.team_id and x.id = again.id;
  -- Those that were missing may have been deleted since, and nothing is looked at there any more.
  delete from cairn.drift_halts h where not exists (select from cairn.missing_in(h.environment, h.provider));
end
$$;

-- Objects of a target that looks have missed and that are not believed to be gone.
create or replace function cairn.missing_in(target_environment text, target_provider text) returns setof cairn.resources
language sql stable as $$
  select x.* from cairn.resources x
  where x.environment = target_environment and x.provider = target_provider and x.status = 'READY'
    and x.missing_since is not null and x.missing_since >= x.updated_at
$$;

grant execute on function cairn.believe_missing(cairn.drift_runs, double precision), cairn.missing_in(text, text)
  to cairn_worker;
