-- What protects a provider from Cairn, shared by all workers: a rate budget per target, and a circuit breaker per target and
-- service. Both are asked when an operation is claimed and told when it advances, so neither costs a round trip. What has to
-- wait is a row with a gate; the sweep lets it through.
-- Lock order: service_environments, resources, operations, breakers, then a budget with its shares. Who holds a budget waits
-- for nothing else: the sweep and the claims take everything after it with "skip locked".
-- Longer than a file should be, because neither gate is understood without the other.

-- A token bucket per target. Its rate is the target's own: config.requestsPerSecond, 25 where the platform team names none.
create table cairn.target_budgets (
  environment text not null,
  provider text not null,
  tokens double precision not null,
  filled_at timestamptz not null default now(),
  primary key (environment, provider)
);

-- A team's part of it. Every team that has asked lately has the same.
create table cairn.budget_shares (
  team_id text not null references cairn.teams,
  environment text not null,
  provider text not null,
  tokens double precision not null,
  filled_at timestamptz not null default now(),
  asked_at timestamptz not null default now(),
  -- When the budget is likely to reach what of the team is made to wait next.
  next_slot timestamptz not null default now(),
  -- Something of the team's waits for this budget.
  waits boolean not null default false,
  primary key (team_id, environment, provider)
);

create index budget_shares_target on cairn.budget_shares (environment, provider, asked_at);
create index budget_shares_waits on cairn.budget_shares (environment, provider) where waits;

create table cairn.breakers (
  environment text not null,
  provider text not null,
  -- The part of the provider that fails by itself: AWS::MSK of AWS::MSK::Topic, Postgres of Postgres::Database.
  service text not null,
  state text not null default 'CLOSED' check (state in ('CLOSED', 'OPEN', 'HALF_OPEN')),
  failures integer not null default 0,
  -- A code, never a message: every team reads this table.
  last_error text,
  failed_at timestamptz,
  -- When one operation may try it; null while it is closed or held open by hand.
  retry_at timestamptz,
  probe_operation uuid,
  probe_until timestamptz,
  held_by text,
  changed_at timestamptz not null default now(),
  primary key (environment, provider, service)
);

create index breakers_not_closed on cairn.breakers (environment, provider, service) where state <> 'CLOSED';

alter table cairn.operations
  -- Why it waits: for its target's budget, or for a breaker. null: for its own due_at, or for nothing.
  add column gate text check (gate in ('BUDGET', 'BREAKER')),
  -- Where it waits; written with the gate.
  add column environment text,
  add column provider text,
  add column service text,
  -- Calls that it may still make of those reserved for it; what it makes beyond them is charged as it goes.
  add column calls_left integer not null default 0,
  -- The sweep has let it through: a claim until then asks no second time.
  add column admitted_until timestamptz,
  -- How often it was taken over since its row was last read.
  add column takeovers integer not null default 0,
  -- Attempts before somebody asked for another try: a retried operation has as many as a new one (law F13).
  add column attempts_before integer not null default 0;

-- What waits at a gate is the longer queue by far, and must not stand before what is due.
create index operations_due_now on cairn.operations (due_at)
  where status in ('PENDING', 'RUNNING', 'WAITING') and gate is null;
drop index cairn.operations_due;
create index operations_for_budget on cairn.operations (environment, provider, team_id, due_at)
  where gate = 'BUDGET' and status = 'WAITING';
create index operations_for_breaker on cairn.operations (environment, provider, service, due_at)
  where gate = 'BREAKER' and status = 'WAITING';
-- Empty, unless a row is not one that this Cairn could have written.
create index operations_unknown on cairn.operations (id)
  where status not in ('PENDING', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'SUPERSEDED');
create index resources_unknown on cairn.resources (id)
  where status not in ('PENDING', 'SYNCING', 'READY', 'FAILED', 'DELETING', 'DELETED');

-- AWS::MSK::Topic is served by AWS::MSK, Postgres::Database by Postgres.
create function cairn.provider_service(kind text) returns text language sql immutable as $$
  select regexp_replace(kind, '::[^:]*$', '')
$$;

-- Calls of an operation that goes well: find, ask, follow, read again. A look takes two, a request one.
create function cairn.calls_reserved() returns integer language sql immutable as $$ select 5 $$;

create function cairn.target_rate(config jsonb) returns double precision language sql immutable as $$
  select case when jsonb_typeof(config->'requestsPerSecond') = 'number'
    then greatest((config->>'requestsPerSecond')::double precision, 0.1) else 25 end
$$;

-- What a target that was idle lets through at once: two seconds of its rate, one operation at least.
create function cairn.target_burst(rate double precision) returns double precision language sql immutable as $$
  select greatest(2 * rate, cairn.calls_reserved())
$$;

-- Locks a target's budget, with what has come in since. The transaction's clock may be behind the row's.
create function cairn.fill_budget(target_environment text, target_provider text, rate double precision)
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

-- Lets an operation through to its provider and reserves its calls, or says why it has to wait: null, or
-- { "gate", "code", "message", "at" }.
--
-- Fair: the lower half of the budget is for teams within their share of the rate, so that it never runs out for who has
-- asked little; the upper half is for whoever asks, so that nothing lies idle. A team that took nothing lately goes first,
-- even into a small debt that the others then wait for.
create function cairn.admit(r cairn.resources, op cairn.operations, lease_seconds double precision) returns jsonb
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

-- Makes an operation wait at a gate, as a row. This execution's name is used up, so it gets another epoch.
create function cairn.hold(r cairn.resources, op cairn.operations, wait jsonb) returns void language plpgsql as $$
declare
  why jsonb := cairn.reason(wait->>'code', wait->>'message', (wait->>'at')::timestamptz);
begin
  update cairn.operations o
  set status = 'WAITING', epoch = o.epoch + 1, due_at = (wait->>'at')::timestamptz, reason = why, admitted_until = null,
    gate = wait->>'gate', environment = r.environment, provider = op.definition->>'provider',
    service = cairn.provider_service(op.definition->>'kind')
  where o.team_id = op.team_id and o.id = op.id;
  update cairn.resources x
  set status = case when op.kind = 'delete' then 'DELETING' else 'PENDING' end, reason = why, updated_at = now()
  where x.team_id = r.team_id and x.id = r.id and x.operation_id = op.id;
  perform cairn.log(op.team_id, 'cairn', 'operation.held', null, r.id, op.id, jsonb_build_object('gate', wait->'gate',
    'service', cairn.provider_service(op.definition->>'kind'), 'provider', op.definition->'provider',
    'environment', r.environment, 'retryAt', why->'retryAt'));
end
$$;

-- Takes note of how a provider answered: 'answered', 'throttled' or 'failed' (5xx, a hang); null says nothing. Eight failures
-- in a row open the breaker: under 30 % errors that nobody means, eight come together once in 15,000 calls. An open one lets
-- one operation through every ten seconds, whose answer decides. Returns when that is, null while it is closed.
create function cairn.note_answer(r cairn.resources, op cairn.operations, answer text, code text) returns timestamptz
language plpgsql as $$
declare
  failures_to_open constant integer := 8;
  pause constant interval := '10 seconds';
  target_provider text := op.definition->>'provider';
  breaker_service text := cairn.provider_service(op.definition->>'kind');
  b cairn.breakers;
begin
  if answer is null then
    return null;
  end if;
  if answer = 'answered' then
    update cairn.breakers x
    set failures = 0, probe_operation = null, probe_until = null, retry_at = null,
      changed_at = case x.state when 'CLOSED' then x.changed_at else now() end, state = 'CLOSED'
    where x.environment = r.environment and x.provider = target_provider and x.service = breaker_service and x.held_by is null
      and ((x.state = 'CLOSED' and x.failures > 0) or (x.state = 'HALF_OPEN' and x.probe_operation = op.id))
    returning * into b;
    if b.changed_at = now() then
      perform cairn.log(op.team_id, 'cairn', 'breaker.closed', null, r.id, op.id, jsonb_build_object('service', b.service,
        'environment', b.environment));
    end if;
    return null;
  end if;

  insert into cairn.breakers (environment, provider, service) values (r.environment, target_provider, breaker_service)
  on conflict do nothing;
  select * into b from cairn.breakers x
  where x.environment = r.environment and x.provider = target_provider and x.service = breaker_service for update;
  -- What was under way when it opened says nothing new.
  if b.state <> 'CLOSED' and b.probe_operation is distinct from op.id then
    return coalesce(b.retry_at, now() + pause);
  end if;
  update cairn.breakers x
  set failures = case when x.failed_at < now() - interval '5 minutes' and x.state = 'CLOSED' then 1 else x.failures + 1 end,
    last_error = left(coalesce(code, answer), 100), failed_at = now()
  where x.environment = b.environment and x.provider = b.provider and x.service = b.service
  returning * into b;
  if b.held_by is not null or (b.state = 'CLOSED' and b.failures < failures_to_open) then
    return null;
  end if;
  update cairn.breakers x
  set state = 'OPEN', retry_at = now() + pause, probe_operation = null, probe_until = null, changed_at = now()
  where x.environment = b.environment and x.provider = b.provider and x.service = b.service;
  perform cairn.log(op.team_id, 'cairn', 'breaker.opened', null, r.id, op.id, jsonb_build_object('service', b.service,
    'environment', b.environment, 'error', b.last_error, 'probe', b.state = 'HALF_OPEN'));
  return now() + pause;
end
$$;

-- The platform team's own hand: open lets nothing through until it is closed again.
create function cairn.put_breaker(target_environment text, target_provider text, breaker_service text, wanted text, actor text)
returns jsonb language plpgsql as $$
declare
  b cairn.breakers;
begin
  if not exists (select from cairn.targets t where t.environment = target_environment and t.provider = target_provider) then
    return null;
  end if;
  insert into cairn.breakers as x (environment, provider, service, state, held_by)
  values (target_environment, target_provider, breaker_service, wanted, case wanted when 'OPEN' then actor end)
  on conflict on constraint breakers_pkey do update
    set state = excluded.state, held_by = excluded.held_by, failures = 0, retry_at = null, probe_operation = null,
      probe_until = null, changed_at = now()
  returning * into b;
  perform cairn.log('', actor, case wanted when 'OPEN' then 'breaker.held' else 'breaker.released' end, null, null, null,
    jsonb_build_object('environment', target_environment, 'provider', target_provider, 'service', breaker_service));
  return cairn.breaker_view(b);
end
$$;

create function cairn.breaker_view(b cairn.breakers) returns jsonb language sql stable as $$
  select jsonb_build_object('service', b.service, 'state', b.state, 'failures', b.failures, 'lastError', b.last_error,
    'retryAt', cairn.iso(b.retry_at), 'heldBy', b.held_by, 'changedAt', cairn.iso(b.changed_at))
$$;

alter table cairn.budget_shares enable row level security;
create policy team on cairn.budget_shares to cairn_api using (team_id = (select nullif(current_setting('cairn.team', true), '')));
create policy platform on cairn.budget_shares to cairn_platform using (true);
create policy worker on cairn.budget_shares to cairn_worker using (true);

grant select on cairn.target_budgets, cairn.budget_shares, cairn.breakers to cairn_api, cairn_platform, cairn_worker;
grant insert, update on cairn.target_budgets, cairn.budget_shares, cairn.breakers to cairn_worker;
grant insert, update on cairn.breakers to cairn_platform;

revoke execute on all functions in schema cairn from public;
grant execute on function cairn.provider_service(text), cairn.calls_reserved(), cairn.target_rate(jsonb),
  cairn.target_burst(double precision), cairn.breaker_view(cairn.breakers)
  to cairn_api, cairn_platform, cairn_worker;
grant execute on function cairn.fill_budget(text, text, double precision),
  cairn.admit(cairn.resources, cairn.operations, double precision), cairn.hold(cairn.resources, cairn.operations, jsonb),
  cairn.note_answer(cairn.resources, cairn.operations, text, text)
  to cairn_worker;
grant execute on function cairn.put_breaker(text, text, text, text, text) to cairn_platform;
