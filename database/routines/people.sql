-- People's part: what Cairn cannot do alone.

-- Another try of what failed, the poisoned included. The same operation under a new epoch, with the decision that allowed it; a
-- token whose outcome is unknown is kept (law F2).
create or replace function cairn.retry_resource(resource uuid, scope text, actor text, grace_seconds double precision) returns jsonb
language plpgsql as $$
declare
  r cairn.resources;
  operation uuid;
begin
  perform set_config('cairn.team', scope, true);
  select * into r from cairn.resources x where x.id = resource;
  if r.id is null then
    return jsonb_build_object('outcome', 'not-found');
  end if;
  perform from cairn.service_environments s
  where s.team_id = r.team_id and s.service = r.service and s.environment = r.environment for update;
  select * into r from cairn.resources x where x.team_id = r.team_id and x.id = r.id for update;
  if r.status <> 'FAILED' then
    return jsonb_build_object('outcome', 'not-failed', 'status', r.status);
  end if;
  update cairn.operations o
  set status = 'PENDING', finished_at = null, reason = null, epoch = o.epoch + 1, stumbles = 0, waits = 0, takeovers = 0,
    gate = null, due_at = now() + make_interval(secs => grace_seconds)
  where o.team_id = r.team_id and o.id = r.operation_id;
  operation := r.operation_id;
  if found then
    perform cairn.resettle(r.team_id, r.id, operation);
  else
    -- It failed so long ago that its operation is past its retention.
    operation := cairn.uuid7();
    perform cairn.enqueue(r.team_id, r.id, operation, r.generation, case when r.deleting then 'delete' else 'apply' end,
      r.definition, r.definition_hash, r.decision_id, grace_seconds);
  end if;
  update cairn.resources x
  set status = case when x.deleting then 'DELETING' else 'PENDING' end, reason = null, operation_id = operation, updated_at = now()
  where x.team_id = r.team_id and x.id = r.id;
  perform cairn.log(r.team_id, actor, 'resource.retry', null, r.id, operation, jsonb_build_object('generation', r.generation));
  return jsonb_build_object('outcome', 'retried', 'startable', cairn.settle(r.team_id, array[r.id]));
end
$$;

-- Removes the record of a resource, whatever becomes of its object, and keeps what a person needs to find that. Who works on
-- it loses the lease; what others still use stays, and 50 of those are named: nothing says how many use one, and 1,600 names outgrow
-- the Data API's row of 64 KB.
-- Counts as a change of its service: what was decided to use it has to be decided anew. An edge to a resource that is gone would
-- also keep its row, and housekeeping with it, for ever.
create or replace function cairn.abandon_resource(resource uuid, actor text) returns jsonb language plpgsql as $$
declare
  named_at_most constant integer := 50;
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
    return jsonb_build_object('outcome', 'referenced', 'by', to_jsonb(users[:named_at_most]),
      'more', greatest(0, cardinality(users) - named_at_most));
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

grant execute on function cairn.retry_resource(uuid, text, text, double precision) to cairn_api, cairn_platform;
grant execute on function cairn.abandon_resource(uuid, text) to cairn_platform;
