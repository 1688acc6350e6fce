-- Who works on an operation: under one epoch at a time, and through the gates of budgets.sql and breakers.sql.

-- Gives an execution the lease: 'claimed', or 'blocked' by what has to end first, 'waiting' at a gate, 'lost' to another epoch.
-- What its generation uses is written down here, before its provider is asked, and stays until the resource is READY without it, or
-- gone: an update that drops a reference is accepted long before the cloud has it, and may be overtaken by a deletion of both.
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
      jsonb_build_object('epoch', op.epoch, 'attempt', op.attempt, 'again', op.waits > 0 or op.takeovers > 0));
  end if;
  return 'claimed';
end
$$;

-- Hands an operation to a new execution: another epoch fences whoever had it. Its timeline is to say why, so `was` is kept: who worked on
-- it stopped (RUNNING), its pause is over (WAITING), or it was never started (PENDING).
create or replace function cairn.take_over(op cairn.operations, grace_seconds double precision, event text) returns jsonb
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
  perform cairn.log(op.team_id, 'cairn', event, null, op.resource_id, op.id,
    jsonb_build_object('epoch', taken.epoch, 'was', op.status));
  return cairn.ref(taken);
end
$$;

-- One row that nobody can work on is that one resource's affair: it ends here, and asks for a person.
create or replace function cairn.give_up(op cairn.operations, message text) returns void language plpgsql as $$
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
  if op.token_used_at is not null then
    perform cairn.fail_successor(op, why);
  end if;
end
$$;

grant execute on function cairn.claim_operation(text, uuid, bigint, double precision),
  cairn.take_over(cairn.operations, double precision, text), cairn.give_up(cairn.operations, text)
  to cairn_worker;
