-- A provider's service that does not answer is left alone, and tried.

-- Takes note of how a provider answered: 'answered', 'throttled' or 'failed' (5xx, a hang); null says nothing. Eight failures
-- in a row open the breaker: under 30 % errors that nobody means, eight come together once in 15,000 calls. An open one lets
-- one operation through every ten seconds, whose answer decides. Returns when that is, null while it is closed.
create or replace function cairn.note_answer(r cairn.resources, op cairn.operations, answer text, code text) returns timestamptz
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
create or replace function cairn.put_breaker(target_environment text, target_provider text, breaker_service text, wanted text, actor text)
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

create or replace function cairn.breaker_view(b cairn.breakers) returns jsonb language sql stable as $$
  select jsonb_build_object('service', b.service, 'state', b.state, 'failures', b.failures, 'lastError', b.last_error,
    'retryAt', cairn.iso(b.retry_at), 'heldBy', b.held_by, 'changedAt', cairn.iso(b.changed_at))
$$;

-- AWS::MSK::Topic is served by AWS::MSK, Postgres::Database by Postgres.
create or replace function cairn.provider_service(kind text) returns text language sql immutable as $$
  select regexp_replace(kind, '::[^:]*$', '')
$$;

grant execute on function cairn.note_answer(cairn.resources, cairn.operations, text, text) to cairn_worker;
grant execute on function cairn.put_breaker(text, text, text, text, text) to cairn_platform;
grant execute on function cairn.breaker_view(cairn.breakers), cairn.provider_service(text)
  to cairn_api, cairn_platform, cairn_worker;
