-- A run whose execution was lost, or never started, says RUNNING for ever unless somebody ends it (law I3).

-- When its execution last took a batch, or it was opened.
alter table cairn.drift_runs add column claimed_at timestamptz not null default now();
create index drift_runs_running on cairn.drift_runs (claimed_at) where status = 'RUNNING';

-- Ends the run that nobody has worked on for longest, with what it has seen. A batch has five minutes (functions/manifest.ts),
-- so after ten nobody is at it, and one that comes back all the same finds its run DONE. One at a time: resources are locked
-- in the order of their ids, and a second run would begin anew.
create function cairn.close_lost_drift(pass_seconds double precision) returns void language plpgsql as $$
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

revoke execute on all functions in schema cairn from public;
grant execute on function cairn.close_lost_drift(double precision) to cairn_worker;
