-- Opens a run that looks at one resource.
-- Somebody who waits for a look is not made to queue for it, so it takes its calls even from an empty budget; a team that asked
-- without end left none to anybody. A fifth of a target's calls is what one team may ask for in this way: three looks a minute, of
-- two calls each, for each call a second that the target takes. The platform has as much again of each team's objects, whatever the
-- team has asked for: when much is not found at once, its looks are how that is judged.
create or replace function cairn.open_verification(run uuid, resource uuid, seen_team text, actor text) returns text language plpgsql as $$
declare
  r cairn.resources;
  looks integer;
  platform constant boolean := seen_team = '';
begin
  perform set_config('cairn.team', seen_team, true);
  select * into r from cairn.resources x where x.id = resource;
  if r.id is null then
    return 'not-found';
  end if;
  if r.status <> 'READY' then
    return 'not-ready';
  end if;
  -- Those that come together are counted one after the other.
  perform pg_advisory_xact_lock(7243004, hashtext(r.team_id));
  -- An id is of the API's clock, the time of the database's; an hour is more than they differ.
  select count(*) into looks from cairn.drift_runs d
  where d.id > cairn.uuid7_floor(now() - interval '1 hour') and d.started_at > now() - interval '1 minute'
    and d.resource_team = r.team_id and d.by_platform = platform;
  if looks >= 3 * cairn.target_rate((
    select t.config from cairn.targets t where t.environment = r.environment and t.provider = r.provider))
  then
    return 'too-many';
  end if;
  insert into cairn.drift_runs (id, resource_id, resource_team, by_platform) values (run, r.id, r.team_id, platform);
  insert into cairn.drift_run_teams (team_id, run_id) values (r.team_id, run);
  perform cairn.log(r.team_id, actor, 'drift.verification', null, r.id, null, jsonb_build_object('report', run));
  return 'opened';
end
$$;

-- Ends a run whose look could not be started, with that look as one that showed nothing: no report says RUNNING for nobody.
create or replace function cairn.withdraw_verification(run uuid, seen_team text) returns void language plpgsql as $$
begin
  perform set_config('cairn.team', seen_team, true);
  update cairn.drift_runs d set status = 'DONE', finished_at = now()
  where d.id = run and d.resource_id is not null and d.status = 'RUNNING';
  if found then
    update cairn.drift_run_teams t set unreadable = 1 where t.run_id = run and t.checked + t.unreadable = 0;
  end if;
end
$$;

grant execute on function cairn.open_verification(uuid, uuid, text, text), cairn.withdraw_verification(uuid, text)
  to cairn_api, cairn_platform;
