-- How many calls a target takes, and whose they are.

-- Lets an operation through to its provider and reserves its calls, or says why it has to wait: null, or
-- { "gate", "code", "message", "at" }.
--
-- Fair: the lower half of the budget is for teams within their share of the rate, so that it never runs out for who has
-- asked little; the upper half is for whoever asks, so that nothing lies idle. A team that took nothing lately goes first,
-- even into a small debt that the others then wait for.
create or replace function cairn.admit(r cairn.resources, op cairn.operations, lease_seconds double precision) returns jsonb
language plpgsql as $$
declare
  cost constant double precision := cairn.calls_reserved();
  target cairn.targets;
  breaker cairn.breakers;
  share cairn.budget_shares;
  rate double precision;
  full_at double precision;
  tokens double precision;
  teams integer;
  at timestamptz;
begin
  select * into target from cairn.targets t where t.environment = r.environment and t.provider = op.definition->>'provider';
  if target.provider is null then
    return null;
  end if;

  select * into breaker from cairn.breakers b
  where b.environment = target.environment and b.provider = target.provider
    and b.service = cairn.provider_service(op.definition->>'kind') and b.state <> 'CLOSED';
  if breaker.service is not null then
    update cairn.breakers b
    set state = 'HALF_OPEN', probe_operation = op.id, probe_until = now() + make_interval(secs => lease_seconds)
    where (b.environment, b.provider, b.service) = (
      select x.environment, x.provider, x.service from cairn.breakers x
      where x.environment = breaker.environment and x.provider = breaker.provider and x.service = breaker.service
        and x.state <> 'CLOSED' and x.held_by is null and x.retry_at <= now()
        and (x.probe_operation = op.id or x.probe_until is null or x.probe_until <= now())
      for update skip locked);
    if not found then
      at := greatest(breaker.retry_at, breaker.probe_until, now() + interval '10 seconds');
      return jsonb_build_object('gate', 'BREAKER', 'code', 'PROVIDER_UNAVAILABLE', 'at', at, 'message',
        case when breaker.held_by is not null
          then format('The platform team has paused %s in %s. Goes on when they let it.', breaker.service, breaker.environment)
          else format('%s in %s is not answering as it should. Goes on as soon as it does.', breaker.service, breaker.environment) end);
    end if;
  end if;

  rate := cairn.target_rate(target.config);
  full_at := cairn.target_burst(rate);
  tokens := cairn.fill_budget(target.environment, target.provider, rate);
  insert into cairn.budget_shares as s (team_id, environment, provider, tokens)
  values (r.team_id, target.environment, target.provider, full_at)
  on conflict on constraint budget_shares_pkey do update set asked_at = greatest(now(), s.asked_at);
  select count(*) into teams from cairn.budget_shares s
  where s.environment = target.environment and s.provider = target.provider
    and (s.asked_at > now() - interval '1 minute' or s.waits);
  update cairn.budget_shares s
  set tokens = least(full_at / teams, s.tokens + rate / teams * greatest(0, extract(epoch from now() - s.filled_at))),
    filled_at = greatest(now(), s.filled_at)
  where s.team_id = r.team_id and s.environment = target.environment and s.provider = target.provider
  returning * into share;

  if (tokens >= cost and share.tokens >= least(cost, full_at / teams))
    or tokens - cost >= full_at / 2
    or (share.tokens >= full_at / teams and tokens - cost >= -full_at / 2)
  then
    update cairn.target_budgets b set tokens = b.tokens - cost
    where b.environment = target.environment and b.provider = target.provider;
    update cairn.budget_shares s set tokens = greatest(0, s.tokens - cost)
    where s.team_id = r.team_id and s.environment = target.environment and s.provider = target.provider;
    return null;
  end if;

  at := greatest(now() + interval '1 second', case when share.waits then share.next_slot end);
  update cairn.budget_shares s
  set waits = true,
    next_slot = case when op.gate = 'BUDGET' then s.next_slot else at + make_interval(secs => cost * teams / rate) end
  where s.team_id = r.team_id and s.environment = target.environment and s.provider = target.provider;
  return jsonb_build_object('gate', 'BUDGET', 'code', 'PROVIDER_THROTTLED', 'at', at, 'message',
    format('More is asked of %s in %s than it takes at once. Goes on when its turn comes.', target.provider, target.environment));
end
$$;

-- Advances an operation, and charges what its step has asked of its provider beyond what was charged before it: further pages of a
-- list, which nobody knows of when an operation is let through. After all else, because a budget comes last in the lock order.
create or replace function cairn.advance_and_charge(team text, operation uuid, held_epoch bigint, p jsonb) returns jsonb
language plpgsql as $$
declare
  startable jsonb := cairn.advance_operation(team, operation, held_epoch, p);
  calls constant integer := coalesce((p->>'beyond')::integer, 0);
  op cairn.operations;
begin
  if startable is null or calls = 0 then
    return startable;
  end if;
  update cairn.operations o set calls_left = o.calls_left - calls where o.team_id = team and o.id = operation returning * into op;
  update cairn.target_budgets b
  set tokens = cairn.indebted(b.tokens, least(calls, -op.calls_left), cairn.target_rate(t.config))
  from cairn.resources x
  join cairn.targets t on t.environment = x.environment and t.provider = op.definition->>'provider'
  where op.calls_left < 0 and x.team_id = team and x.id = op.resource_id
    and b.environment = t.environment and b.provider = t.provider;
  return startable;
end
$$;

-- Makes an operation wait at a gate, as a row. This execution's name is used up, so it gets another epoch. Its resource's
-- timeline also says who has closed that gate by hand.
create or replace function cairn.hold(r cairn.resources, op cairn.operations, wait jsonb) returns void language plpgsql as $$
declare
  why jsonb := cairn.reason(wait->>'code', wait->>'message', (wait->>'at')::timestamptz);
  kind_service text := cairn.provider_service(op.definition->>'kind');
begin
  update cairn.operations o
  set status = 'WAITING', epoch = o.epoch + 1, due_at = (wait->>'at')::timestamptz, reason = why, admitted_until = null,
    gate = wait->>'gate', environment = r.environment, provider = op.definition->>'provider', service = kind_service
  where o.team_id = op.team_id and o.id = op.id;
  update cairn.resources x
  set status = case when op.kind = 'delete' then 'DELETING' else 'PENDING' end, reason = why, updated_at = now()
  where x.team_id = r.team_id and x.id = r.id and x.operation_id = op.id;
  perform cairn.log(op.team_id, 'cairn', 'operation.held', null, r.id, op.id, jsonb_build_object('gate', wait->'gate',
    'service', kind_service, 'provider', op.definition->'provider', 'environment', r.environment, 'retryAt', why->'retryAt',
    'heldBy', (select b.held_by from cairn.breakers b
      where b.environment = r.environment and b.provider = op.definition->>'provider' and b.service = kind_service)));
end
$$;

-- Locks a target's budget, with what has come in since. The transaction's clock may be behind the row's.
create or replace function cairn.fill_budget(target_environment text, target_provider text, rate double precision)
returns double precision language plpgsql as $$
declare
  full_at double precision := cairn.target_burst(rate);
  known double precision;
begin
  insert into cairn.target_budgets (environment, provider, tokens) values (target_environment, target_provider, full_at)
  on conflict do nothing;
  update cairn.target_budgets b
  set tokens = least(full_at, b.tokens + rate * greatest(0, extract(epoch from now() - b.filled_at))),
    filled_at = greatest(now(), b.filled_at)
  where b.environment = target_environment and b.provider = target_provider
  returning b.tokens into known;
  return known;
end
$$;

create or replace function cairn.target_rate(config jsonb) returns double precision language sql immutable as $$
  select case when jsonb_typeof(config->'requestsPerSecond') = 'number'
    then greatest((config->>'requestsPerSecond')::double precision, 0.1) else 25 end
$$;

-- A budget after calls that were not reserved: into a debt of four seconds at most, and no debt becomes smaller by it.
create or replace function cairn.indebted(tokens double precision, calls integer, rate double precision) returns double precision
language sql immutable as $$
  select greatest(tokens - calls, least(tokens, -4 * rate))
$$;

-- Calls of an operation that goes well: find, ask, follow, read again. A look takes two, a request one.
create or replace function cairn.calls_reserved() returns integer language sql immutable as $$ select 5 $$;

-- What a target that was idle lets through at once: two seconds of its rate, one operation at least.
create or replace function cairn.target_burst(rate double precision) returns double precision language sql immutable as $$
  select greatest(2 * rate, cairn.calls_reserved())
$$;

grant execute on function cairn.admit(cairn.resources, cairn.operations, double precision),
  cairn.hold(cairn.resources, cairn.operations, jsonb), cairn.advance_and_charge(text, uuid, bigint, jsonb),
  cairn.indebted(double precision, integer, double precision), cairn.fill_budget(text, text, double precision)
  to cairn_worker;
grant execute on function cairn.target_rate(jsonb), cairn.calls_reserved(), cairn.target_burst(double precision)
  to cairn_api, cairn_platform, cairn_worker;
