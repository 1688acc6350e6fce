-- How an operation moves: accepted, claimed, advanced, taken over. Each function is one round trip and one transaction:
-- the state change, its audit entry and the decision about what it made startable commit together (laws I4, I8).
-- Lock order everywhere: service_environments, then resources, then operations.

-- The provider's idempotency token: the same for the same attempt, whoever computes it (law F2).
create or replace function cairn.provider_token(resource uuid, generation bigint, kind text, attempt integer) returns text
language sql immutable as $$
  select encode(sha256(convert_to(concat_ws(':', resource, generation, kind, attempt), 'UTF8')), 'hex')
$$;

-- A timestamp as text with its microseconds, which a JavaScript Date would drop.
create or replace function cairn.iso(moment timestamptz) returns text
language sql stable as $$
  select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

create or replace function cairn.reason(code text, message text, retry_at timestamptz) returns jsonb
language sql stable as $$
  select jsonb_build_object('code', code, 'message', message, 'retryAt', cairn.iso(retry_at))
$$;

create or replace function cairn.log(team text, actor text, event text, intent uuid, resource uuid, operation uuid, detail jsonb)
returns void language sql volatile as $$
  insert into cairn.audit_log (team_id, id, actor, event, intent_id, resource_id, operation_id, detail)
  values (team, cairn.uuid7(), actor, event, intent, resource, operation, detail)
$$;

create or replace function cairn.ref(op cairn.operations) returns jsonb
language sql immutable as $$
  select jsonb_build_object('team', op.team_id, 'operation', op.id, 'epoch', op.epoch)
$$;

-- Appends an operation for the resource's current generation and overtakes what has not asked a provider for anything.
-- An operation that has asked settles its outcome first: its object must be known before the next change (law I1).
create or replace function cairn.enqueue(
  team text, resource uuid, operation uuid, generation bigint, kind text, definition jsonb, hash text, decision uuid,
  grace_seconds double precision
) returns void language plpgsql as $$
declare
  overtaken uuid;
begin
  for overtaken in
    update cairn.operations o
    set status = 'SUPERSEDED', finished_at = now()
    where o.team_id = team and o.resource_id = resource and o.status in ('PENDING', 'RUNNING', 'WAITING') and o.token_used_at is null
    returning o.id
  loop
    perform cairn.log(team, 'cairn', 'operation.superseded', null, resource, overtaken, '{}');
  end loop;

  insert into cairn.operations (team_id, id, resource_id, generation, kind, status, due_at, definition, decided_hash, decision_id, token)
  values (team, operation, resource, generation, kind, 'PENDING', now() + make_interval(secs => grace_seconds), definition, hash,
    decision, cairn.provider_token(resource, generation, kind, 1));
end
$$;

-- Looks at the current operations of these resources, which wait for others: starts what can start, fails what cannot
-- succeed before another resource does, and follows the consequences. Returns what became startable.
create or replace function cairn.settle(team text, waiting uuid[]) returns jsonb language plpgsql as $$
declare
  startable jsonb := '[]';
  queue uuid[] := waiting;
  r cairn.resources;
  op cairn.operations;
  unmet text[];
  failed text[];
  in_flight boolean;
begin
  while cardinality(queue) > 0 loop
    select * into r from cairn.resources x where x.team_id = team and x.id = queue[1] for update;
    queue := queue[2:];
    select * into op from cairn.operations o where o.team_id = team and o.id = r.operation_id for update;
    continue when op.id is null;
    continue when not (op.status = 'PENDING' or (op.status = 'FAILED' and op.reason->>'code' = 'DEPENDENCY_FAILED'));

    if op.kind = 'apply' then
      select array_agg(d.name order by d.name) filter (where d.status <> 'READY'),
             array_agg(d.name order by d.name) filter (where d.status in ('FAILED', 'DELETED') or d.deleting)
      into unmet, failed
      from cairn.resource_dependencies e
      join cairn.resources d on d.team_id = e.team_id and d.id = e.depends_on
      where e.team_id = team and e.resource_id = r.id;
    else
      select array_agg(d.name order by d.name), array_agg(d.name order by d.name) filter (where d.status = 'FAILED' or not d.deleting)
      into unmet, failed
      from cairn.resource_dependencies e
      join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id and d.status <> 'DELETED'
      where e.team_id = team and e.depends_on = r.id;
    end if;
    in_flight := exists (
      select from cairn.operations o
      where o.team_id = team and o.resource_id = r.id and o.id <> op.id and o.status in ('PENDING', 'RUNNING', 'WAITING'));

    if failed is not null then
      continue when op.status = 'FAILED';
      update cairn.operations o
      set status = 'FAILED', finished_at = now(), reason = cairn.reason('DEPENDENCY_FAILED', format(
        case op.kind when 'apply' then 'Needs %s, which failed. Goes on by itself when that is READY.'
        else 'Is used by %s, whose deletion failed. Goes on by itself when that is deleted.' end, array_to_string(failed, ', ')), null)
      where o.team_id = team and o.id = op.id
      returning * into op;
      update cairn.resources x set status = 'FAILED', reason = op.reason, updated_at = now() where x.team_id = team and x.id = r.id;
      perform cairn.log(team, 'cairn', 'operation.blocked', null, r.id, op.id, jsonb_build_object('by', to_jsonb(failed)));
      queue := queue || cairn.neighbours(team, r.id, op.kind);
    else
      if op.status = 'FAILED' then
        update cairn.operations o
        set status = 'PENDING', finished_at = null, reason = null, epoch = o.epoch + 1, due_at = now() + interval '1 minute'
        where o.team_id = team and o.id = op.id
        returning * into op;
        update cairn.resources x
        set status = case when op.kind = 'delete' then 'DELETING' else 'PENDING' end, reason = null, updated_at = now()
        where x.team_id = team and x.id = r.id;
        perform cairn.log(team, 'cairn', 'operation.unblocked', null, r.id, op.id, '{}');
      end if;
      if unmet is null and not in_flight then
        startable := startable || jsonb_build_array(cairn.ref(op));
      else
        update cairn.resources x
        set reason = case
          when in_flight then cairn.reason('WAITING_FOR_PREVIOUS_CHANGE', 'Starts when the change before it has ended.', null)
          else cairn.reason('WAITING_FOR_DEPENDENCY', format(
            case op.kind when 'apply' then 'Starts when %s is READY.' else 'Starts when %s is deleted.' end,
            array_to_string(unmet, ', ')), null) end
        where x.team_id = team and x.id = r.id;
      end if;
    end if;
  end loop;
  return startable;
end
$$;

-- Who waits for this resource: its dependents while things are made, its dependencies while they are taken away.
create or replace function cairn.neighbours(team text, resource uuid, kind text) returns uuid[] language sql stable as $$
  select coalesce(array_agg(n.id order by n.id), '{}') from (
    select e.resource_id as id from cairn.resource_dependencies e
    where kind = 'apply' and e.team_id = team and e.depends_on = resource
    union all
    select e.depends_on from cairn.resource_dependencies e
    where kind = 'delete' and e.team_id = team and e.resource_id = resource
  ) n
$$;

create or replace function cairn.claim_operation(team text, operation uuid, held_epoch bigint, lease_seconds double precision)
returns text language plpgsql as $$
declare
  r cairn.resources;
  op cairn.operations;
begin
  select x.* into r from cairn.resources x
  join cairn.operations o on o.team_id = x.team_id and o.resource_id = x.id
  where o.team_id = team and o.id = operation for update of x;
  select * into op from cairn.operations o where o.team_id = team and o.id = operation for update;
  if op.id is null or op.epoch <> held_epoch or op.status not in ('PENDING', 'WAITING', 'RUNNING') then
    return 'lost';
  end if;

  if op.status <> 'RUNNING' and (
    exists (
      select from cairn.operations o
      where o.team_id = team and o.resource_id = r.id and o.id <> op.id
        and o.status in ('PENDING', 'RUNNING', 'WAITING') and o.generation < op.generation)
    or (op.kind = 'apply' and exists (
      select from cairn.resource_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.depends_on
      where e.team_id = team and e.resource_id = r.id and d.status <> 'READY' and r.operation_id = op.id and op.token_used_at is null))
    or (op.kind = 'delete' and exists (
      select from cairn.resource_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id
      where e.team_id = team and e.depends_on = r.id and d.status <> 'DELETED'))
  ) then
    -- This execution's name is used up, so whoever starts the operation next needs another epoch.
    update cairn.operations o set status = 'PENDING', epoch = o.epoch + 1, due_at = now() + make_interval(secs => lease_seconds)
    where o.team_id = team and o.id = operation;
    return 'blocked';
  end if;

  update cairn.operations o set status = 'RUNNING', due_at = now() + make_interval(secs => lease_seconds)
  where o.team_id = team and o.id = operation;
  if r.operation_id = op.id then
    update cairn.resources x
    set status = case when op.kind = 'delete' then 'DELETING' else 'SYNCING' end, reason = null, updated_at = now()
    where x.team_id = team and x.id = r.id and (x.status not in ('SYNCING', 'DELETING') or x.reason is not null);
  end if;
  if op.status <> 'RUNNING' then
    perform cairn.log(team, 'cairn', 'operation.claimed', null, r.id, op.id,
      jsonb_build_object('epoch', op.epoch, 'attempt', op.attempt));
  end if;
  return 'claimed';
end
$$;

-- Writes how an operation goes on, under its epoch. Returns null when the lease is lost, else what became startable.
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
    return cairn.settle(team, cairn.neighbours(team, r.id, 'apply'));
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

  -- A proven failure is over and done with: the next request needs a new token.
  if not current then
    if step = 'wait' and op.token_used_at is not null then
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
    update cairn.operations o set status = 'WAITING', waits = o.waits + 1, due_at = resume_at, reason = why
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
    update cairn.operations o set status = 'FAILED', finished_at = now(), reason = why where o.team_id = team and o.id = op.id;
    update cairn.resources x
    set status = 'FAILED', reason = why, identifier = coalesce(p->>'identifier', x.identifier), updated_at = now()
    where x.team_id = team and x.id = r.id;
    perform cairn.log(team, 'cairn', 'operation.failed', null, r.id, op.id, jsonb_build_object('reason', why, 'attempt', op.attempt));
    return cairn.settle(team, cairn.neighbours(team, r.id, op.kind));
  end if;

  raise exception 'unknown step %', step using errcode = '22023';
end
$$;

-- A changed output is a changed value in whoever uses it: the same decided definition, as a new generation.
create or replace function cairn.reapply_dependents(team text, resource uuid) returns void language plpgsql as $$
declare
  d cairn.resources;
  operation uuid;
begin
  for d in
    select x.* from cairn.resource_dependencies e
    join cairn.resources x on x.team_id = e.team_id and x.id = e.resource_id
    where e.team_id = team and e.depends_on = resource and not x.deleting and x.status in ('READY', 'SYNCING')
    order by x.id for update of x
  loop
    operation := cairn.uuid7();
    perform cairn.enqueue(team, d.id, operation, d.generation + 1, 'apply', d.definition, d.definition_hash, d.decision_id, 60);
    update cairn.resources x
    set generation = d.generation + 1, operation_id = operation, status = 'PENDING', reason = null, updated_at = now()
    where x.team_id = team and x.id = d.id;
    perform cairn.log(team, 'cairn', 'resource.reapplied', null, d.id, operation, jsonb_build_object('generation', d.generation + 1));
  end loop;
end
$$;

-- Takes over what is due. One statement and no write when nothing is.
create or replace function cairn.sweep(batch integer, grace_seconds double precision) returns setof jsonb language plpgsql as $$
declare
  c record;
  r cairn.resources;
  op cairn.operations;
begin
  for c in
    select o.team_id, o.id, o.resource_id from cairn.operations o
    where o.status in ('PENDING', 'RUNNING', 'WAITING') and o.due_at <= now()
    order by o.due_at limit batch
  loop
    select x.* into r from cairn.resources x where x.team_id = c.team_id and x.id = c.resource_id;
    perform from cairn.service_environments s
    where s.team_id = c.team_id and s.service = r.service and s.environment = r.environment for update skip locked;
    continue when not found;
    select * into r from cairn.resources x where x.team_id = c.team_id and x.id = c.resource_id for update;
    select * into op from cairn.operations o where o.team_id = c.team_id and o.id = c.id for update;
    continue when op.status not in ('PENDING', 'RUNNING', 'WAITING') or op.due_at > now();

    if op.status = 'PENDING' and jsonb_array_length(cairn.settle(c.team_id, array[r.id])) = 0 then
      update cairn.operations o set due_at = now() + make_interval(secs => grace_seconds * (1 + random()))
      where o.team_id = op.team_id and o.id = op.id and o.status = 'PENDING';
      continue;
    end if;

    update cairn.operations o
    set epoch = o.epoch + 1, due_at = now() + make_interval(secs => grace_seconds),
      status = case when o.status = 'RUNNING' then 'WAITING' else o.status end
    where o.team_id = op.team_id and o.id = op.id
    returning * into op;
    perform cairn.log(op.team_id, 'cairn', 'operation.taken-over', null, r.id, op.id, jsonb_build_object('epoch', op.epoch));
    return next cairn.ref(op);
  end loop;
end
$$;
