-- Writes how an operation goes on, under its epoch, with the provider's answer, and forgets what is no longer used outside. Returns
-- null when the lease is lost, else what became startable. Attempts begin again after a failure that a person retries.
create or replace function cairn.advance_operation(team text, operation uuid, held_epoch bigint, p jsonb)
returns jsonb language plpgsql as $$
declare
  r cairn.resources;
  op cairn.operations;
  step text := p->>'to';
  current boolean;
  why jsonb := p->'reason';
  resume_at timestamptz := now() + make_interval(secs => coalesce((p->>'delaySeconds')::double precision, 0));
  startable jsonb := '[]';
  changed boolean;
  waiting uuid[];
  -- When its breaker lets the next one through; null while that is closed.
  held timestamptz;
begin
  select x.* into r from cairn.resources x
  join cairn.operations o on o.team_id = x.team_id and o.resource_id = x.id
  where o.team_id = team and o.id = operation;
  perform from cairn.service_environments s
  where s.team_id = team and s.service = r.service and s.environment = r.environment for update;
  select * into r from cairn.resources x where x.team_id = team and x.id = r.id for update;
  select * into op from cairn.operations o where o.team_id = team and o.id = operation for update;
  if op.id is null or op.epoch <> held_epoch or op.status <> 'RUNNING' then
    return null;
  end if;
  current := r.operation_id = op.id;
  held := cairn.note_answer(r, op, p->>'answer', p->>'code');

  if step = 'answered' then
    return startable;
  end if;

  if step = 'sent' then
    update cairn.resources x
    set request = p->>'request', identifier = coalesce(p->>'identifier', x.identifier)
    where x.team_id = team and x.id = r.id;
    update cairn.operations o set stumbles = 0 where o.team_id = team and o.id = op.id;
    perform cairn.log(team, 'cairn', 'operation.sent', null, r.id, op.id,
      jsonb_build_object('attempt', op.attempt, 'kind', op.kind));
    return startable;
  end if;

  if step = 'stumbled' then
    if op.stumbles + 1 >= (p->>'limit')::integer then
      step := 'failed';
    else
      update cairn.operations o set stumbles = o.stumbles + 1 where o.team_id = team and o.id = op.id;
      step := 'wait';
      why := cairn.reason('PROVIDER_UNAVAILABLE', 'A step ended in an unexpected error and is tried again.', resume_at);
    end if;
    perform cairn.log(team, 'cairn', 'operation.stumbled', null, r.id, op.id, jsonb_build_object('error', p->'error'));
  end if;

  if step = 'ready' then
    changed := r.outputs <> p->'outputs';
    update cairn.operations o
    set status = case when current then 'SUCCEEDED' else 'SUPERSEDED' end, finished_at = now(), reason = null
    where o.team_id = team and o.id = op.id;
    update cairn.resources x
    set identifier = p->>'identifier', request = null, updated_at = now(), sent_hash = coalesce(op.sent_hash, x.sent_hash),
      applied = jsonb_build_array(op.definition->'properties'),
      status = case when current then 'READY' else x.status end,
      reason = case when current then null else x.reason end,
      outputs = case when current then p->'outputs' else x.outputs end,
      drift_due_at = now()
    where x.team_id = team and x.id = r.id;
    perform cairn.log(team, 'cairn', case when current then 'operation.ready' else 'operation.superseded' end, null, r.id, op.id,
      jsonb_build_object('generation', op.generation));
    if not current then
      return cairn.settle(team, array[r.id]);
    end if;
    if changed then
      perform cairn.reapply_dependents(team, r.id);
    end if;
    waiting := cairn.neighbours(team, r.id, 'apply');
    delete from cairn.outside_dependencies u
    where u.team_id = team and u.resource_id = r.id and not exists (
      select from cairn.resource_dependencies e
      where e.team_id = team and e.resource_id = r.id and e.depends_on = u.depends_on);
    return cairn.settle(team, waiting);
  end if;

  if step = 'deleted' then
    update cairn.operations o set status = 'SUCCEEDED', finished_at = now(), reason = null where o.team_id = team and o.id = op.id;
    update cairn.resources x
    set status = 'DELETED', reason = null, request = null, applied = '[]', drift_due_at = null, updated_at = now()
    where x.team_id = team and x.id = r.id;
    update cairn.drift_findings f set resolved_at = now() where f.team_id = team and f.resource_id = r.id and f.resolved_at is null;
    perform cairn.log(team, 'cairn', 'operation.deleted', null, r.id, op.id, '{}');
    startable := cairn.settle(team, cairn.neighbours(team, r.id, 'delete'));
    delete from cairn.resource_dependencies e where e.team_id = team and e.resource_id = r.id;
    delete from cairn.outside_dependencies e where e.team_id = team and e.resource_id = r.id;
    return startable;
  end if;

  -- What is left did not succeed. What was asked for may be there in part, so it can be taken back; the oldest but the last
  -- READY's makes room.
  if op.kind = 'apply' and op.sent_hash is not null and not r.applied @> jsonb_build_array(op.definition->'properties') then
    update cairn.resources x
    set applied = (case when jsonb_array_length(x.applied) > 3 then x.applied - 1 else x.applied end)
      || jsonb_build_array(op.definition->'properties')
    where x.team_id = team and x.id = r.id;
  end if;

  -- A proven failure is over and done with: the next request needs a new token. Without proof, what was asked for may still come.
  if not current then
    if op.token_used_at is not null and (step = 'wait' or step = 'failed' and not coalesce((p->>'proven')::boolean, false)) then
      null;
    else
      update cairn.operations o set status = 'SUPERSEDED', finished_at = now(), reason = why where o.team_id = team and o.id = op.id;
      update cairn.resources x set request = null, identifier = coalesce(p->>'identifier', x.identifier)
      where x.team_id = team and x.id = r.id;
      perform cairn.log(team, 'cairn', 'operation.superseded', null, r.id, op.id, jsonb_build_object('reason', why));
      return cairn.settle(team, array[r.id]);
    end if;
  end if;

  if step = 'next-attempt' or (step = 'failed' and coalesce((p->>'proven')::boolean, false)) then
    update cairn.operations o
    set attempt = o.attempt + 1, token = cairn.provider_token(r.id, o.generation, o.kind, o.attempt + 1), token_used_at = null
    where o.team_id = team and o.id = op.id;
    update cairn.resources x set request = null where x.team_id = team and x.id = r.id;
  end if;

  if step in ('next-attempt', 'wait') then
    resume_at := greatest(resume_at, held);
    update cairn.operations o
    set status = 'WAITING', waits = o.waits + 1, due_at = resume_at, reason = why, admitted_until = null,
      gate = case when held is not null then 'BREAKER' end, environment = r.environment, provider = o.definition->>'provider',
      service = cairn.provider_service(o.definition->>'kind')
    where o.team_id = team and o.id = op.id;
    update cairn.resources x
    set status = case when op.kind = 'delete' then 'DELETING' else 'PENDING' end,
      reason = why || jsonb_build_object('retryAt', cairn.iso(resume_at)), updated_at = now()
    where x.team_id = team and x.id = r.id and current;
    perform cairn.log(team, 'cairn', 'operation.waiting', null, r.id, op.id,
      jsonb_build_object('reason', why, 'attempt', op.attempt, 'retryAt', cairn.iso(resume_at)));
    return startable;
  end if;

  if step = 'failed' then
    update cairn.operations o
    set status = 'FAILED', finished_at = now(), reason = why, attempts_before = o.attempt - 1
    where o.team_id = team and o.id = op.id;
    update cairn.resources x
    set status = case when current then 'FAILED' else x.status end, reason = case when current then why else x.reason end,
      identifier = coalesce(p->>'identifier', x.identifier), updated_at = now()
    where x.team_id = team and x.id = r.id;
    perform cairn.log(team, 'cairn', 'operation.failed', null, r.id, op.id, jsonb_build_object('reason', why, 'attempt', op.attempt));
    perform cairn.fail_successor(op, why);
    return cairn.settle(team, cairn.neighbours(team, r.id, case when r.deleting then 'delete' else 'apply' end));
  end if;

  raise exception 'unknown step %', step using errcode = '22023';
end
$$;

grant execute on function cairn.advance_operation(text, uuid, bigint, jsonb) to cairn_worker;
