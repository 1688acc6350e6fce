-- Takes over what is due, then lets through what waits at a gate. One statement and no write when there is neither.
-- Teams take turns, each with what had begun first, and what is only put off counts for a fifth: a look at 500 takes a second or two.
-- What waits for others is due again and again, and when a batch was filled with it, another team's lost execution was taken over
-- ten minutes late behind a thousand of one team that waited for a slow database (law I3).
create or replace function cairn.sweep(batch integer, grace_seconds double precision) returns setof jsonb language plpgsql as $$
declare
  -- Lost so often without one read, a row cannot be read.
  takeovers_at_most constant integer := 10;
  looked_at_most constant integer := 5 * batch;
  given integer := 0;
  c record;
  r cairn.resources;
  op cairn.operations;
  taken jsonb;
begin
  perform cairn.heal_unknown();
  for c in
    select t.team_id, t.id, t.resource_id from (
      select d.*, row_number() over (partition by d.team_id order by d.status = 'PENDING', d.due_at) as turn from (
        select o.team_id, o.id, o.resource_id, o.status, o.due_at from cairn.operations o
        where o.status in ('PENDING', 'RUNNING', 'WAITING') and o.due_at <= now() and o.gate is null
        order by o.due_at limit 10 * looked_at_most
      ) d
    ) t order by t.turn, t.due_at limit looked_at_most
  loop
    exit when given = batch;
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

      -- What was retried and overtaken before it was started has asked a provider: nothing goes ahead of it, and it waits for nobody.
      if op.status = 'PENDING' and r.operation_id = op.id and jsonb_array_length(cairn.settle(c.team_id, array[r.id])) = 0 then
        update cairn.operations o set due_at = now() + make_interval(secs => grace_seconds * (1 + random()))
        where o.team_id = op.team_id and o.id = op.id and o.status = 'PENDING';
      elsif op.takeovers >= takeovers_at_most then
        perform cairn.give_up(op, 'Its record cannot be read. Retry it, or ask the platform team.');
        perform cairn.settle(c.team_id, cairn.neighbours(c.team_id, r.id, case when r.deleting then 'delete' else 'apply' end));
      else
        taken := cairn.take_over(op, grace_seconds, 'operation.taken-over');
      end if;
    exception
      when serialization_failure or deadlock_detected or lock_not_available or query_canceled then
        raise;
      when others then
        -- Out of the way of all others, whatever is wrong with it.
        select * into op from cairn.operations o where o.team_id = c.team_id and o.id = c.id;
        perform cairn.give_up(op, 'Its record cannot be worked on. Retry it, or ask the platform team.');
    end;
    if taken is not null then
      given := given + 1;
      return next taken;
    end if;
  end loop;
  return query select cairn.let_through(grace_seconds);
end
$$;

-- Rows whose status no Cairn writes, a hundred at a time.
create or replace function cairn.heal_unknown() returns void language plpgsql as $$
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

grant execute on function cairn.sweep(integer, double precision), cairn.heal_unknown() to cairn_worker;
