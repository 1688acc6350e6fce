-- Things are deleted in the order in which they may be used outside, and the newest generation does not know that: an update
-- that drops a reference is accepted long before the cloud has it, and may be overtaken by a deletion of both. So what a
-- generation uses is written down when it is claimed, which is before its provider is asked, and stays until the resource is
-- READY without it, or gone. `resource_dependencies` goes on saying what is wanted: who may start, who is still referenced.
--
-- No two wait for each other here: an operation is claimed only while all that it uses is READY, which then uses what it wants
-- and no more, and what is wanted has no cycle.
create table cairn.outside_dependencies (
  team_id text not null,
  resource_id uuid not null,
  depends_on uuid not null,
  primary key (team_id, resource_id, depends_on),
  -- None for depends_on: a claim would lock what it uses, against the lock order.
  foreign key (team_id, resource_id) references cairn.resources on delete cascade
);

create index outside_dependencies_reverse on cairn.outside_dependencies (team_id, depends_on, resource_id);

alter table cairn.outside_dependencies enable row level security;
create policy team on cairn.outside_dependencies to cairn_api using (team_id = (select nullif(current_setting('cairn.team', true), '')));
create policy platform on cairn.outside_dependencies to cairn_platform using (true);
create policy worker on cairn.outside_dependencies to cairn_worker using (true);
grant select on cairn.outside_dependencies to cairn_api, cairn_platform, cairn_worker;
grant insert, delete on cairn.outside_dependencies to cairn_worker;

insert into cairn.outside_dependencies (team_id, resource_id, depends_on)
select e.team_id, e.resource_id, e.depends_on from cairn.resource_dependencies e
on conflict do nothing;

-- Who waits for this resource: while things are made, its dependents and what is to be deleted and may be used by it still;
-- while they are taken away, all that it may use.
create or replace function cairn.neighbours(team text, resource uuid, kind text) returns uuid[] language sql stable as $$
  select coalesce(array_agg(n.id order by n.id), '{}') from (
    select e.resource_id as id from cairn.resource_dependencies e
    where kind = 'apply' and e.team_id = team and e.depends_on = resource
    union
    select e.depends_on from cairn.outside_dependencies e
    join cairn.resources d on d.team_id = e.team_id and d.id = e.depends_on
    where e.team_id = team and e.resource_id = resource and (kind = 'delete' or d.deleting)
  ) n
$$;

-- As in 0004, but for the order in which things are deleted.
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
      select array_agg(d.name order by d.name), array_agg(d.name order by d.name) filter (where d.status = 'FAILED')
      into unmet, failed
      from cairn.outside_dependencies e
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
        else 'May still be used by %s, which failed. Goes on by itself when that is READY without it, or deleted.' end, array_to_string(failed, ', ')), null)
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
            case op.kind when 'apply' then 'Starts when %s is READY.' else 'Starts when %s no longer uses it.' end,
            array_to_string(unmet, ', ')), null) end
        where x.team_id = team and x.id = r.id;
      end if;
    end if;
  end loop;
  return startable;
end
$$;

-- As in 0008, and writes down what may be used outside from now on.
create or replace function cairn.claim_operation(team text, operation uuid, held_epoch bigint, lease_seconds double precision)
returns text language plpgsql as $$
declare
  r cairn.resources;
  op cairn.operations;
  wait jsonb;
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
      select from cairn.outside_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id
      where e.team_id = team and e.depends_on = r.id and d.status <> 'DELETED'))
  ) then
    -- This execution's name is used up, so whoever starts the operation next needs another epoch.
    update cairn.operations o set status = 'PENDING', epoch = o.epoch + 1, due_at = now() + make_interval(secs => lease_seconds)
    where o.team_id = team and o.id = operation;
    return 'blocked';
  end if;

  if op.status <> 'RUNNING' and coalesce(op.admitted_until <= now(), true) then
    wait := cairn.admit(r, op, lease_seconds);
    if wait is not null then
      perform cairn.hold(r, op, wait);
      return 'waiting';
    end if;
  end if;

  update cairn.operations o
  set status = 'RUNNING', due_at = now() + make_interval(secs => lease_seconds), gate = null, admitted_until = null,
    calls_left = case when op.status = 'RUNNING' then o.calls_left else cairn.calls_reserved() end
  where o.team_id = team and o.id = operation;
  if r.operation_id = op.id then
    if op.kind = 'apply' then
      insert into cairn.outside_dependencies (team_id, resource_id, depends_on)
      select e.team_id, e.resource_id, e.depends_on from cairn.resource_dependencies e
      where e.team_id = team and e.resource_id = r.id
      on conflict do nothing;
    end if;
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

-- As in 0008, and forgets what is no longer used outside.
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
    set status = 'FAILED', reason = why, identifier = coalesce(p->>'identifier', x.identifier), updated_at = now()
    where x.team_id = team and x.id = r.id;
    perform cairn.log(team, 'cairn', 'operation.failed', null, r.id, op.id, jsonb_build_object('reason', why, 'attempt', op.attempt));
    return cairn.settle(team, cairn.neighbours(team, r.id, op.kind));
  end if;

  raise exception 'unknown step %', step using errcode = '22023';
end
$$;

-- As in 0002, but for what somebody may still use outside: its outputs are part of what was asked for.
create or replace function cairn.prune(batch integer, retention_months integer) returns integer
language plpgsql as $$
declare
  gone integer;
  total integer := 0;
begin
  delete from cairn.idempotency_keys k using (
    select team_id, key from cairn.idempotency_keys where created_at < now() - interval '7 days' order by created_at limit batch
  ) old where k.team_id = old.team_id and k.key = old.key;
  get diagnostics gone = row_count;
  total := total + gone;

  delete from cairn.drift_findings f using (
    select team_id, id from cairn.drift_findings
    where resolved_at < now() - make_interval(months => retention_months) limit batch
  ) old where f.team_id = old.team_id and f.id = old.id;
  get diagnostics gone = row_count;
  total := total + gone;

  delete from cairn.resources r using (
    select x.team_id, x.id from cairn.resources x
    where x.status = 'DELETED' and x.updated_at < now() - make_interval(months => retention_months)
      and not exists (select from cairn.drift_findings f where f.team_id = x.team_id and f.resource_id = x.id)
      and not exists (
        select from cairn.outside_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id
        where e.team_id = x.team_id and e.depends_on = x.id and d.status <> 'DELETED')
    order by x.updated_at limit batch
  ) old where r.team_id = old.team_id and r.id = old.id;
  get diagnostics gone = row_count;
  return total + gone;
end
$$;
