-- Accepting an intent: everything that has to be true together, in one round trip and one transaction. The API calls this
-- under row-level security; the setting lasts as long as the transaction does. It is the caller's scope, not what the
-- intent says: an intent for another team that the application let through fails on the first insert.
create or replace function cairn.accept_intent(p jsonb, grace_seconds double precision) returns jsonb language plpgsql as $$
<<accepting>>
declare
  team text := p->'intent'->>'team';
  service text := p->'intent'->>'service';
  environment text := p->'intent'->>'environment';
  intent uuid := (p->>'intentId')::uuid;
  actor text := p->'caller'->>'subject';
  decision uuid := (p->'decision'->>'id')::uuid;
  version bigint;
  replay cairn.idempotency_keys;
  c jsonb;
  r cairn.resources;
  op cairn.operations;
  touched uuid[] := '{}';
begin
  perform set_config('cairn.team', p->>'scope', true);
  insert into cairn.services (team_id, service) values (team, service) on conflict do nothing;
  if found then
    perform cairn.log(team, actor, 'service.created', null, null, null, jsonb_build_object('service', service));
  end if;
  insert into cairn.service_environments as s (team_id, service, environment) values (team, service, environment)
  on conflict do nothing;
  select s.version into version from cairn.service_environments s
  where s.team_id = team and s.service = accepting.service and s.environment = accepting.environment for update;

  select * into replay from cairn.idempotency_keys k
  where k.team_id = team and k.key = p->>'key' and k.created_at > now() - interval '7 days';
  if replay.key is not null then
    return jsonb_build_object('outcome', 'replayed', 'requestHash', replay.request_hash, 'response', replay.response);
  end if;

  if (p->>'expectedVersion')::bigint <> version then
    return jsonb_build_object('outcome', 'conflict');
  end if;
  for c in select * from jsonb_array_elements(p->'changes') order by value->>'resourceId' loop
    select * into r from cairn.resources x where x.team_id = team and x.id = (c->>'resourceId')::uuid for update;
    if coalesce(r.generation, 0) <> (c->>'expectedGeneration')::bigint
      or r.deleting <> (c->>'change' in ('retry', 'none') and p->'intent'->>'action' = 'delete')
      or (c->>'change' = 'retry') <> (c->>'change' in ('retry', 'none') and r.status = 'FAILED')
      or (c->>'change' = 'create' and exists (
        select from cairn.resources x
        where x.team_id = team and x.service = accepting.service and x.environment = accepting.environment
          and x.name = c->>'name' and not x.deleting))
    then
      return jsonb_build_object('outcome', 'conflict');
    end if;
  end loop;

  insert into cairn.idempotency_keys as k (team_id, key, request_hash, intent_id, response)
  values (team, p->>'key', p->>'requestHash', intent, p->'response')
  on conflict on constraint idempotency_keys_pkey do update
    set request_hash = excluded.request_hash, intent_id = excluded.intent_id, response = excluded.response, created_at = now()
    where k.created_at <= now() - interval '7 days';
  if not found then
    -- Another service's intent of this team took the key between the look and here.
    select * into replay from cairn.idempotency_keys k where k.team_id = team and k.key = p->>'key';
    return jsonb_build_object('outcome', 'replayed', 'requestHash', replay.request_hash, 'response', replay.response);
  end if;

  update cairn.service_environments s set version = s.version + 1
  where s.team_id = team and s.service = accepting.service and s.environment = accepting.environment;
  perform cairn.insert_decision(team, actor, intent, true, p->'decision');
  insert into cairn.intents (team_id, id, service, environment, action, document, decision_id, warnings, subject)
  values (team, intent, service, environment, p->'intent'->>'action', p->'intent', decision, p->'decision'->'warnings', actor);
  perform cairn.log(team, actor, 'intent.accepted', intent, null, null, jsonb_build_object('action', p->'intent'->'action'));

  -- Resources first, all of them: an edge may point at one that comes later.
  for c in select * from jsonb_array_elements(p->'changes') loop
    op := null;
    if c->>'change' = 'create' then
      insert into cairn.resources (team_id, id, service, environment, name, type, version, provider, status, generation,
        definition, definition_hash, operation_id, decision_id)
      values (team, (c->>'resourceId')::uuid, service, environment, c->>'name', c->>'type', (c->'definition'->>'version')::integer,
        c->'definition'->>'provider', 'PENDING', 1, c->'definition', c->>'definitionHash', (c->>'operationId')::uuid, decision)
      returning * into r;
    elsif c->>'change' in ('update', 'delete') then
      update cairn.resources x
      set generation = x.generation + 1, operation_id = (c->>'operationId')::uuid, decision_id = decision, reason = null,
        updated_at = now(), status = case c->>'change' when 'delete' then 'DELETING' else 'PENDING' end,
        deleting = c->>'change' = 'delete',
        version = coalesce((c->'definition'->>'version')::integer, x.version),
        provider = coalesce(c->'definition'->>'provider', x.provider),
        definition = case when c->>'change' = 'update' then c->'definition' else x.definition end,
        definition_hash = coalesce(c->>'definitionHash', x.definition_hash)
      where x.team_id = team and x.id = (c->>'resourceId')::uuid
      returning * into r;
    else
      select * into r from cairn.resources x where x.team_id = team and x.id = (c->>'resourceId')::uuid;
    end if;

    if c->>'change' in ('create', 'update', 'delete') then
      perform cairn.enqueue(team, r.id, r.operation_id, r.generation, case c->>'change' when 'delete' then 'delete' else 'apply' end,
        r.definition, r.definition_hash, decision, grace_seconds);
    elsif c->>'change' = 'retry' then
      update cairn.operations o
      set status = 'PENDING', finished_at = null, reason = null, epoch = o.epoch + 1, stumbles = 0, waits = 0, decision_id = decision,
        due_at = now() + make_interval(secs => grace_seconds)
      where o.team_id = team and o.id = r.operation_id;
      if found then
        perform cairn.resettle(team, r.id, r.operation_id);
      else
        -- It failed so long ago that its operation is past its retention.
        r.operation_id := cairn.uuid7();
        perform cairn.enqueue(team, r.id, r.operation_id, r.generation, case when r.deleting then 'delete' else 'apply' end,
          r.definition, r.definition_hash, decision, grace_seconds);
      end if;
      update cairn.resources x
      set status = case when x.deleting then 'DELETING' else 'PENDING' end, reason = null, updated_at = now(),
        operation_id = r.operation_id, decision_id = decision
      where x.team_id = team and x.id = r.id;
    else
      select * into op from cairn.operations o
      where o.team_id = team and o.id = r.operation_id and o.status in ('PENDING', 'RUNNING', 'WAITING');
    end if;

    insert into cairn.intent_resources (team_id, intent_id, resource_id, name, type, operation_id)
    values (team, intent, r.id, r.name, r.type, case when c->>'change' = 'none' then op.id else r.operation_id end);
    if c->>'change' <> 'none' then
      touched := touched || r.id;
      perform cairn.log(team, actor, 'resource.' || (c->>'change'), intent, r.id, r.operation_id,
        jsonb_build_object('generation', r.generation, 'decision', decision));
    end if;
  end loop;

  for c in select * from jsonb_array_elements(p->'changes') where value->>'change' in ('create', 'update') loop
    delete from cairn.resource_dependencies e where e.team_id = team and e.resource_id = (c->>'resourceId')::uuid;
    insert into cairn.resource_dependencies (team_id, resource_id, depends_on)
    select team, (c->>'resourceId')::uuid, d::uuid from jsonb_array_elements_text(c->'dependsOn') d;
  end loop;

  return jsonb_build_object('outcome', 'accepted', 'startable', cairn.settle(team, touched));
end
$$;

create or replace function cairn.insert_decision(team text, actor text, intent uuid, allow boolean, d jsonb) returns void
language sql volatile as $$
  insert into cairn.decisions (team_id, id, intent_id, allow, policy_revision, wasm_hash, input_hash, definition_hashes, violations,
    warnings, subject)
  values (team, (d->>'id')::uuid, intent, allow, d->>'policyRevision', d->>'wasmHash', d->>'inputHash', d->'definitionHashes',
    d->'violations', d->'warnings', actor)
$$;

-- A denial changes nothing, and is remembered.
create or replace function cairn.record_denial(p jsonb) returns void language plpgsql as $$
declare
  team text := p->'intent'->>'team';
begin
  perform set_config('cairn.team', p->>'scope', true);
  perform cairn.insert_decision(team, p->'caller'->>'subject', null, false, p->'decision');
  perform cairn.log(team, p->'caller'->>'subject', 'intent.denied', null, null, null,
    jsonb_build_object('decision', p->'decision'->'id', 'service', p->'intent'->'service', 'environment', p->'intent'->'environment'));
end
$$;

grant execute on function cairn.accept_intent(jsonb, double precision), cairn.insert_decision(text, text, uuid, boolean, jsonb),
  cairn.record_denial(jsonb)
  to cairn_api, cairn_platform;
