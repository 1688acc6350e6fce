-- As in 0006, but for how often. Somebody who waits for a look is not made to queue for it, so it takes its calls even from an
-- empty budget; a team that asked without end left none to anybody. A fifth of a target's calls is what one team may ask for
-- in this way: three looks a minute, of two calls each, for each call a second that the target takes.
create or replace function cairn.open_verification(run uuid, resource uuid, seen_team text, actor text) returns text language plpgsql as $$
declare
  r cairn.resources;
  looks integer;
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
    and d.resource_team = r.team_id;
  if looks >= 3 * cairn.target_rate((
    select t.config from cairn.targets t where t.environment = r.environment and t.provider = r.provider))
  then
    return 'too-many';
  end if;
  insert into cairn.drift_runs (id, resource_id, resource_team) values (run, r.id, r.team_id);
  insert into cairn.drift_run_teams (team_id, run_id) values (r.team_id, run);
  perform cairn.log(r.team_id, actor, 'drift.verification', null, r.id, null, jsonb_build_object('report', run));
  return 'opened';
end
$$;

-- As in 0009, and counts as a change of its service: what was decided to use it has to be decided anew. An edge to a resource
-- that is gone would also keep its row, and housekeeping with it, for ever.
create or replace function cairn.abandon_resource(resource uuid, actor text) returns jsonb language plpgsql as $$
declare
  r cairn.resources;
  users text[];
  orphan uuid;
  why jsonb;
  startable jsonb;
begin
  select * into r from cairn.resources x where x.id = resource;
  if r.id is null then
    return jsonb_build_object('outcome', 'not-found');
  end if;
  update cairn.service_environments s set version = s.version + 1
  where s.team_id = r.team_id and s.service = r.service and s.environment = r.environment;
  select * into r from cairn.resources x where x.team_id = r.team_id and x.id = r.id for update;
  if r.status = 'DELETED' then
    return jsonb_build_object('outcome', 'gone');
  end if;
  select array_agg(d.name order by d.name) into users
  from cairn.resource_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id
  where e.team_id = r.team_id and e.depends_on = r.id and not d.deleting and d.status <> 'DELETED';
  if users is not null then
    return jsonb_build_object('outcome', 'referenced', 'by', to_jsonb(users));
  end if;

  if r.identifier is not null or r.request is not null or r.applied <> '[]' or exists (
    select from cairn.operations o
    where o.team_id = r.team_id and o.resource_id = r.id and (o.token_used_at is not null or o.attempt > 1))
  then
    orphan := cairn.uuid7();
    insert into cairn.orphans (team_id, id, resource_id, service, environment, name, type, provider, kind, external_name,
      identifier, request, abandoned_by)
    values (r.team_id, orphan, r.id, r.service, r.environment, r.name, r.type, r.provider, r.definition->>'kind',
      coalesce(r.definition->>'externalName', r.name), r.identifier, r.request, actor);
  end if;
  why := cairn.reason('ABANDONED', format('%s gave up its record.%s', actor,
    case when orphan is null then '' else ' What may be left outside is listed as an orphan.' end), null);
  update cairn.operations o set status = 'FAILED', finished_at = now(), epoch = o.epoch + 1, gate = null, reason = why
  where o.team_id = r.team_id and o.resource_id = r.id and o.status in ('PENDING', 'RUNNING', 'WAITING');
  update cairn.resources x
  set status = 'DELETED', deleting = true, reason = why, request = null, applied = '[]', drift_due_at = null, updated_at = now()
  where x.team_id = r.team_id and x.id = r.id;
  update cairn.drift_findings f set resolved_at = now()
  where f.team_id = r.team_id and f.resource_id = r.id and f.resolved_at is null;
  perform cairn.log(r.team_id, actor, 'resource.abandoned', null, r.id, null, jsonb_build_object('orphan', orphan));
  startable := cairn.settle(r.team_id, cairn.neighbours(r.team_id, r.id, 'delete'));
  delete from cairn.resource_dependencies e where e.team_id = r.team_id and e.resource_id = r.id;
  return jsonb_build_object('outcome', 'abandoned', 'orphan', orphan, 'startable', startable);
end
$$;
