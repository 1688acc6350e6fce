-- A scheduled run: opened with its first batch, ended with its last, or by another run when it was lost.

-- Opens a scheduled run if it is new, which also ends one that was lost, and takes its next batch, within the budget: what it
-- leaves out is due again a minute later. A verification was asked for by somebody who waits, so it takes its calls even from
-- an empty budget.
create or replace function cairn.claim_drift(run uuid, batch integer, interval_seconds double precision) returns setof jsonb
language plpgsql as $$
declare
  known cairn.drift_runs;
  r cairn.resources;
  taken integer := 0;
begin
  insert into cairn.drift_runs as d (id) values (run)
  on conflict (id) do update set claimed_at = now()
  returning d.* into known;
  if known.status = 'DONE' then
    return;
  end if;
  if known.started_at = now() then
    perform cairn.close_lost_drift(interval_seconds);
  end if;
  if known.resource_id is not null then
    select x.* into r from cairn.drift_run_teams t
    join cairn.resources x on x.team_id = t.team_id and x.id = known.resource_id and x.status = 'READY'
    where t.run_id = run and t.team_id = known.resource_team and t.checked + t.unreadable = 0;
    if r.id is not null then
      update cairn.target_budgets b set tokens = b.tokens - 2 where b.environment = r.environment and b.provider = r.provider;
      return next jsonb_build_object('team', r.team_id, 'id', r.id);
    end if;
    return;
  end if;
  for r in
    select * from cairn.resources x
    where x.status = 'READY' and x.drift_due_at <= now()
    order by x.drift_due_at limit 4 * batch for update skip locked
  loop
    exit when taken = batch;
    if cairn.admit_look(r) then
      update cairn.resources x set drift_due_at = now() + make_interval(secs => interval_seconds)
      where x.team_id = r.team_id and x.id = r.id;
      taken := taken + 1;
      return next jsonb_build_object('team', r.team_id, 'id', r.id);
    else
      update cairn.resources x set drift_due_at = now() + interval '1 minute' where x.team_id = r.team_id and x.id = r.id;
    end if;
  end loop;
end
$$;

-- A look for drift can wait: it takes nothing while operations wait, from the lower half of the budget, or of what is not
-- answering as it should.
create or replace function cairn.admit_look(r cairn.resources) returns boolean language plpgsql as $$
declare
  cost constant double precision := 2;
  target cairn.targets;
  rate double precision;
begin
  select * into target from cairn.targets t where t.environment = r.environment and t.provider = r.provider;
  if target.provider is null then
    return true;
  end if;
  if exists (
    select from cairn.breakers b
    where b.environment = target.environment and b.provider = target.provider and b.state <> 'CLOSED'
      and b.service = cairn.provider_service(r.definition->>'kind'))
    or exists (
      select from cairn.budget_shares s where s.environment = target.environment and s.provider = target.provider and s.waits)
  then
    return false;
  end if;
  rate := cairn.target_rate(target.config);
  if cairn.fill_budget(target.environment, target.provider, rate) - cost < cairn.target_burst(rate) / 2 then
    return false;
  end if;
  update cairn.target_budgets b set tokens = b.tokens - cost
  where b.environment = target.environment and b.provider = target.provider;
  return true;
end
$$;

-- Ends a run and keeps, per team, how many findings stood at that moment; a verification's are those of its resource.
create or replace function cairn.close_drift(run uuid, pass_seconds double precision default 0) returns jsonb language plpgsql as $$
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

-- A run whose execution was lost, or never started, says RUNNING for ever unless somebody ends it (law I3).
-- Ends the run that nobody has worked on for longest, with what it has seen. A batch has five minutes (functions/manifest.ts),
-- so after ten nobody is at it, and one that comes back all the same finds its run DONE. One at a time: resources are locked
-- in the order of their ids, and a second run would begin anew.
create or replace function cairn.close_lost_drift(pass_seconds double precision) returns void language plpgsql as $$
declare
  lost cairn.drift_runs;
begin
  select * into lost from cairn.drift_runs d
  where d.status = 'RUNNING' and d.claimed_at < now() - interval '10 minutes'
  order by d.claimed_at limit 1 for update skip locked;
  if lost.id is null then
    return;
  end if;
  -- Somebody asked for a look that nobody took.
  update cairn.drift_run_teams t set unreadable = 1
  where t.team_id = lost.resource_team and t.run_id = lost.id and t.checked + t.unreadable = 0;
  perform cairn.close_drift(lost.id, pass_seconds);
end
$$;

grant execute on function cairn.claim_drift(uuid, integer, double precision), cairn.admit_look(cairn.resources),
  cairn.close_drift(uuid, double precision), cairn.close_lost_drift(double precision)
  to cairn_worker;
