-- What waits at a gate and may go now. Each queue is its own, so none stands before another.

-- Who waits for a budget goes first, then one for each breaker that is due its probe, and all of a closed one's. Where a target
-- allows less than a call a second, the probe of a service that is down took what had come in, at each sweep, and held up all others
-- for as long as it was down. A probe that finds nothing left queues for the budget, as anybody does.
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

-- Lets through what waits for a budget, in the order of fairness and at the cost of what is let through: trying every team that waits
-- costs the square of their number (of 200 teams, 2,000 operations were read and 800 rows written to let one through, now five and ten).
-- Who has most of a share is tried first, one operation at a time: when that one is refused, no other of the target would get
-- through either, because whether an operation is admitted only rises with its team's share.
create or replace function cairn.let_budgets_through(grace_seconds double precision) returns setof jsonb language plpgsql as $$
declare
  at_once constant integer := 100;
  t record;
  rate double precision;
  teams integer;
  next_team text;
  passed text[];
  op cairn.operations;
  r cairn.resources;
  wait jsonb;
begin
  for t in
    select g.environment, g.provider, g.config from cairn.targets g
    where exists (
      select from cairn.budget_shares s where s.environment = g.environment and s.provider = g.provider and s.waits)
    order by g.environment, g.provider
  loop
    rate := cairn.target_rate(t.config);
    select count(*) into teams from cairn.budget_shares s
    where s.environment = t.environment and s.provider = t.provider and (s.asked_at > now() - interval '1 minute' or s.waits);
    passed := '{}';
    for turn in 1..at_once loop
      select s.team_id into next_team from cairn.budget_shares s
      where s.environment = t.environment and s.provider = t.provider and s.waits and s.team_id <> all (passed)
      order by least(cairn.target_burst(rate) / teams,
        s.tokens + rate / teams * greatest(0, extract(epoch from now() - s.filled_at))) desc, s.asked_at
      limit 1;
      exit when not found;

      select * into op from cairn.operations o
      where o.gate = 'BUDGET' and o.status = 'WAITING' and o.environment = t.environment and o.provider = t.provider
        and o.team_id = next_team
      order by o.due_at limit 1 for update skip locked;
      if not found then
        -- Nothing of it waits, or another sweep has that in hand.
        passed := passed || next_team;
        update cairn.budget_shares s set waits = false
        where s.team_id = next_team and s.environment = t.environment and s.provider = t.provider
          and not exists (
            select from cairn.operations o
            where o.gate = 'BUDGET' and o.status = 'WAITING' and o.environment = t.environment and o.provider = t.provider
              and o.team_id = next_team);
        continue;
      end if;
      select * into r from cairn.resources x where x.team_id = op.team_id and x.id = op.resource_id;
      wait := cairn.admit(r, op, grace_seconds);
      exit when wait->>'gate' = 'BUDGET';
      if wait is null then
        return next cairn.take_over(op, grace_seconds, 'operation.resumed');
      else
        perform cairn.hold(r, op, wait);
      end if;
    end loop;
  end loop;
end
$$;

grant execute on function cairn.let_through(double precision), cairn.let_budgets_through(double precision) to cairn_worker;
