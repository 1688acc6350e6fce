-- How an operation moves through the gates of 0007: a claim asks them, an advance tells them, and the sweep lets through.
-- Longer than a file should be: these functions share one protocol and are read together.

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
      select from cairn.resource_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id
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
-- Writes how an operation goes on, under its epoch, with the provider's answer. Returns null when the lease is lost, else what
-- became startable. Attempts begin again after a failure that a person retries.
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
-- Hands an operation to a new execution: another epoch fences whoever had it.
create function cairn.take_over(op cairn.operations, grace_seconds double precision, event text) returns jsonb
language plpgsql as $$
declare
  taken cairn.operations;
begin
  update cairn.operations o
  set epoch = o.epoch + 1, due_at = now() + make_interval(secs => grace_seconds),
    takeovers = o.takeovers + case when o.status = 'RUNNING' then 1 else 0 end,
    status = case when o.status = 'RUNNING' then 'WAITING' else o.status end, gate = null,
    admitted_until = case when op.gate is not null then now() + make_interval(secs => grace_seconds) end
  where o.team_id = op.team_id and o.id = op.id
  returning * into taken;
  perform cairn.log(op.team_id, 'cairn', event, null, op.resource_id, op.id, jsonb_build_object('epoch', taken.epoch));
  return cairn.ref(taken);
end
$$;

-- One row that nobody can work on is that one resource's affair: it ends here, and asks for a person.
create function cairn.give_up(op cairn.operations, message text) returns void language plpgsql as $$
declare
  why jsonb := cairn.reason('NEEDS_ATTENTION', message, null);
begin
  perform from cairn.resources x where x.team_id = op.team_id and x.id = op.resource_id for update;
  update cairn.operations o
  set status = 'FAILED', finished_at = now(), reason = why, epoch = o.epoch + 1, gate = null, takeovers = 0,
    attempts_before = o.attempt - 1
  where o.team_id = op.team_id and o.id = op.id;
  update cairn.resources x set status = 'FAILED', reason = why, updated_at = now()
  where x.team_id = op.team_id and x.id = op.resource_id and x.operation_id = op.id;
  perform cairn.log(op.team_id, 'cairn', 'operation.failed', null, op.resource_id, op.id, jsonb_build_object('reason', why));
end
$$;

-- Rows whose status no Cairn writes, a hundred at a time.
create function cairn.heal_unknown() returns void language plpgsql as $$
declare
  r cairn.resources;
  op cairn.operations;
  why constant jsonb := cairn.reason('NEEDS_ATTENTION',
    'Its record holds a status that this Cairn does not know. Retry it, or ask the platform team.', null);
begin
  for op in
    select * from cairn.operations o
    where o.status not in ('PENDING', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'SUPERSEDED') limit 100 for update skip locked
  loop
    perform cairn.give_up(op, why->>'message');
  end loop;
  for r in
    select * from cairn.resources x
    where x.status not in ('PENDING', 'SYNCING', 'READY', 'FAILED', 'DELETING', 'DELETED') limit 100 for update skip locked
  loop
    update cairn.resources x set status = 'FAILED', reason = why, updated_at = now() where x.team_id = r.team_id and x.id = r.id;
    select * into op from cairn.operations o
    where o.team_id = r.team_id and o.id = r.operation_id and o.status in ('PENDING', 'RUNNING', 'WAITING');
    if op.id is not null then
      perform cairn.give_up(op, why->>'message');
    else
      perform cairn.log(r.team_id, 'cairn', 'operation.failed', null, r.id, r.operation_id, jsonb_build_object('reason', why));
    end if;
  end loop;
end
$$;

-- Takes over what is due, then lets through what waits at a gate. One statement and no write when there is neither.
create or replace function cairn.sweep(batch integer, grace_seconds double precision) returns setof jsonb language plpgsql as $$
declare
  -- Lost so often without one read, a row cannot be read.
  takeovers_at_most constant integer := 10;
  c record;
  r cairn.resources;
  op cairn.operations;
  taken jsonb;
begin
  perform cairn.heal_unknown();
  for c in
    select o.team_id, o.id, o.resource_id from cairn.operations o
    where o.status in ('PENDING', 'RUNNING', 'WAITING') and o.due_at <= now() and o.gate is null
    order by o.due_at limit batch
  loop
    taken := null;
    begin
      select x.* into r from cairn.resources x where x.team_id = c.team_id and x.id = c.resource_id;
      select * into op from cairn.operations o where o.team_id = c.team_id and o.id = c.id;
      if r.id is null then
        perform cairn.give_up(op, 'Its resource has no record.');
        continue;
      end if;
      perform from cairn.service_environments s
      where s.team_id = c.team_id and s.service = r.service and s.environment = r.environment for update skip locked;
      continue when not found;
      select * into r from cairn.resources x where x.team_id = c.team_id and x.id = c.resource_id for update;
      select * into op from cairn.operations o where o.team_id = c.team_id and o.id = c.id for update;
      continue when op.status not in ('PENDING', 'RUNNING', 'WAITING') or op.due_at > now() or op.gate is not null;

      if op.status = 'PENDING' and jsonb_array_length(cairn.settle(c.team_id, array[r.id])) = 0 then
        update cairn.operations o set due_at = now() + make_interval(secs => grace_seconds * (1 + random()))
        where o.team_id = op.team_id and o.id = op.id and o.status = 'PENDING';
      elsif op.takeovers >= takeovers_at_most then
        perform cairn.give_up(op, 'Its record cannot be read. Apply it anew, or ask the platform team.');
        perform cairn.settle(c.team_id, cairn.neighbours(c.team_id, r.id, op.kind));
      else
        taken := cairn.take_over(op, grace_seconds, 'operation.taken-over');
      end if;
    exception
      when serialization_failure or deadlock_detected or lock_not_available or query_canceled then
        raise;
      when others then
        -- Out of the way of all others, whatever is wrong with it.
        select * into op from cairn.operations o where o.team_id = c.team_id and o.id = c.id;
        perform cairn.give_up(op, 'Its record cannot be worked on. Apply it anew, or ask the platform team.');
    end;
    if taken is not null then
      return next taken;
    end if;
  end loop;
  return query select cairn.let_through(grace_seconds);
end
$$;

-- What waits at a gate and may go now: one for each breaker that is due its probe, all of a closed one's, and of each budget
-- as much as it has, the team that has had least of it first. Each queue is its own, so none stands before another.
create function cairn.let_through(grace_seconds double precision) returns setof jsonb language plpgsql as $$
declare
  at_once constant integer := 40;
  q record;
  op cairn.operations;
  r cairn.resources;
  wait jsonb;
  seen integer;
begin
  for q in
    select distinct on (o.environment, o.provider, o.service) o.environment, o.provider, o.service, b.state
    from (
      select t.environment, t.provider, w.service from cairn.targets t cross join lateral (
        with recursive queues as (
          (select x.service from cairn.operations x
            where x.gate = 'BREAKER' and x.status = 'WAITING' and x.environment = t.environment and x.provider = t.provider
            order by x.service limit 1)
          union all
          select (select x.service from cairn.operations x
            where x.gate = 'BREAKER' and x.status = 'WAITING' and x.environment = t.environment and x.provider = t.provider
              and x.service > queues.service
            order by x.service limit 1)
          from queues where queues.service is not null
        ) select service from queues where service is not null
      ) w
    ) o
    left join cairn.breakers b on b.environment = o.environment and b.provider = o.provider and b.service = o.service
    where b.service is null or b.state = 'CLOSED'
      or (b.held_by is null and b.retry_at <= now() and (b.probe_until is null or b.probe_until <= now()))
    order by 1, 2, 3
  loop
    for op in
      select * from cairn.operations o
      where o.gate = 'BREAKER' and o.status = 'WAITING' and o.environment = q.environment and o.provider = q.provider
        and o.service = q.service
      order by o.due_at limit case when coalesce(q.state, 'CLOSED') = 'CLOSED' then at_once else 1 end
      for update skip locked
    loop
      select * into r from cairn.resources x where x.team_id = op.team_id and x.id = op.resource_id;
      wait := cairn.admit(r, op, grace_seconds);
      if wait is null then
        return next cairn.take_over(op, grace_seconds, 'operation.resumed');
      elsif wait->>'gate' = 'BUDGET' then
        -- The breaker lets it; it queues for the budget with the others of its team.
        update cairn.operations o set gate = 'BUDGET', due_at = (wait->>'at')::timestamptz where o.team_id = op.team_id and o.id = op.id;
        update cairn.resources x set reason = cairn.reason(wait->>'code', wait->>'message', (wait->>'at')::timestamptz)
        where x.team_id = op.team_id and x.id = op.resource_id and x.operation_id = op.id;
      end if;
    end loop;
  end loop;

  for q in
    select s.environment, s.provider, s.team_id from cairn.budget_shares s
    where s.waits order by s.environment, s.provider, s.tokens desc, s.asked_at
  loop
    seen := 0;
    for op in
      select * from cairn.operations o
      where o.gate = 'BUDGET' and o.status = 'WAITING' and o.environment = q.environment and o.provider = q.provider
        and o.team_id = q.team_id
      order by o.due_at limit at_once for update skip locked
    loop
      seen := seen + 1;
      select * into r from cairn.resources x where x.team_id = op.team_id and x.id = op.resource_id;
      wait := cairn.admit(r, op, grace_seconds);
      exit when wait->>'gate' = 'BUDGET';
      if wait is null then
        return next cairn.take_over(op, grace_seconds, 'operation.resumed');
      else
        perform cairn.hold(r, op, wait);
      end if;
    end loop;
    if seen = 0 and not exists (
      select from cairn.operations o
      where o.gate = 'BUDGET' and o.status = 'WAITING' and o.environment = q.environment and o.provider = q.provider
        and o.team_id = q.team_id)
    then
      update cairn.budget_shares s set waits = false
      where s.team_id = q.team_id and s.environment = q.environment and s.provider = q.provider;
    end if;
  end loop;
end
$$;


-- A look for drift can wait: it takes nothing while operations wait, from the lower half of the budget, or of what is not
-- answering as it should.
create function cairn.admit_look(r cairn.resources) returns boolean language plpgsql as $$
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

-- Opens a scheduled run if it is new and takes its next batch, within the budget: what it leaves out is due again a minute later. A verification was asked for by somebody
-- who waits, so it takes its calls even from an empty budget.
create or replace function cairn.claim_drift(run uuid, batch integer, interval_seconds double precision) returns setof jsonb
language plpgsql as $$
declare
  known cairn.drift_runs;
  r cairn.resources;
  taken integer := 0;
begin
  insert into cairn.drift_runs (id) values (run) on conflict do nothing;
  select * into known from cairn.drift_runs d where d.id = run for update;
  if known.status = 'DONE' then
    return;
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
grant execute on function cairn.claim_operation(text, uuid, bigint, double precision),
  cairn.advance_operation(text, uuid, bigint, jsonb), cairn.sweep(integer, double precision),
  cairn.claim_drift(uuid, integer, double precision), cairn.take_over(cairn.operations, double precision, text),
  cairn.give_up(cairn.operations, text), cairn.heal_unknown(), cairn.let_through(double precision), cairn.admit_look(cairn.resources)
  to cairn_worker;
