-- Who waits for a budget is let through before those who wait for a breaker. Where a target allows less than a call a second, the
-- probe of a service that is down took what had come in, at each sweep, and held up all others for as long as it was down. A probe
-- that finds nothing left queues for the budget, as anybody does.
create or replace function cairn.let_through(grace_seconds double precision) returns setof jsonb language plpgsql as $$
declare
  at_once constant integer := 40;
  q record;
  op cairn.operations;
  r cairn.resources;
  wait jsonb;
begin
  return query select cairn.let_budgets_through(grace_seconds);

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
end
$$;

