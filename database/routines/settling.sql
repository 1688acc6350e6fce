-- Who goes next. Each function that moves an operation is one round trip and one transaction: the state change, its audit entry and
-- the decision about what it made startable commit together (laws I4, I8). Lock order everywhere: service_environments, then
-- resources, then operations.
-- Things are deleted in the order in which they may be used outside, which is what `outside_dependencies` says;
-- `resource_dependencies` says what is wanted. No two wait for each other here: an operation is claimed only while all that it uses
-- is READY, which then uses what it wants and no more, and what is wanted has no cycle.

-- Looks at the current operations of these resources, which wait for others: starts what can start, fails what cannot
-- succeed before another resource does, and follows the consequences. Returns what became startable.
-- An entry of the audit log names 50 that failed, and counts the others: 1,600 names outgrow the Data API's row of 64 KB.
create or replace function cairn.settle(team text, waiting uuid[]) returns jsonb language plpgsql as $$
declare
  named_at_most constant integer := 50;
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
      perform cairn.log(team, 'cairn', 'operation.blocked', null, r.id, op.id, jsonb_build_object(
        'by', to_jsonb(failed[:named_at_most]), 'more', greatest(0, cardinality(failed) - named_at_most)));
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

-- Appends an operation for the resource's current generation and overtakes what has not asked a provider for anything.
-- An operation that has asked settles its outcome first: its object must be known before the next change (law I1), also where it was
-- given up on without that.
create or replace function cairn.enqueue(
  team text, resource uuid, operation uuid, generation bigint, kind text, definition jsonb, hash text, decision uuid,
  grace_seconds double precision
) returns void language plpgsql as $$
declare
  overtaken uuid;
begin
  for overtaken in
    update cairn.operations o
    set status = 'SUPERSEDED', finished_at = now()
    where o.team_id = team and o.resource_id = resource and o.status in ('PENDING', 'RUNNING', 'WAITING') and o.token_used_at is null
    returning o.id
  loop
    perform cairn.log(team, 'cairn', 'operation.superseded', null, resource, overtaken, '{}');
  end loop;

  perform cairn.resettle(team, resource, operation);
  insert into cairn.operations (team_id, id, resource_id, generation, kind, status, due_at, definition, decided_hash, decision_id, token)
  values (team, operation, resource, generation, kind, 'PENDING', now() + make_interval(secs => grace_seconds), definition, hash,
    decision, cairn.provider_token(resource, generation, kind, 1));
end
$$;

-- Begins anew what was asked for before and ended without anybody knowing what became of it: a request that was not answered, a
-- look that was refused. What comes after waits for it. A deletion went ahead of a create whose look the provider's account refused
-- once, saw nothing, and was DELETED a minute before the object was made (laws I1, I5).
-- A proven end has no token that was used: the next attempt has another.
create or replace function cairn.resettle(team text, resource uuid, successor uuid) returns void language plpgsql as $$
declare
  unsettled uuid;
begin
  for unsettled in
    update cairn.operations o
    set status = 'WAITING', finished_at = null, reason = null, epoch = o.epoch + 1, stumbles = 0, waits = 0, takeovers = 0, gate = null,
      due_at = now()
    where o.team_id = team and o.resource_id = resource and o.id <> successor and o.status = 'FAILED' and o.token_used_at is not null
    returning o.id
  loop
    perform cairn.log(team, 'cairn', 'operation.resettled', null, resource, unsettled, '{}');
  end loop;
end
$$;

-- An operation has ended and nobody knows what became of its request: what came after it cannot go on, and fails with it. A retry
-- settles the older one first.
create or replace function cairn.fail_successor(op cairn.operations, why jsonb) returns void language plpgsql as $$
declare
  successor cairn.operations;
  after jsonb := cairn.reason('NEEDS_ATTENTION', format('It is not known what became of the change before it: %s', why->>'message'), null);
begin
  update cairn.operations o set status = 'FAILED', finished_at = now(), reason = after, gate = null
  from cairn.resources x
  where x.team_id = op.team_id and x.id = op.resource_id and x.operation_id <> op.id
    and o.team_id = x.team_id and o.id = x.operation_id and o.status in ('PENDING', 'FAILED')
  returning o.* into successor;
  if successor.id is null then
    return;
  end if;
  update cairn.resources x set status = 'FAILED', reason = after, updated_at = now()
  where x.team_id = op.team_id and x.id = op.resource_id;
  perform cairn.log(op.team_id, 'cairn', 'operation.failed', null, op.resource_id, successor.id, jsonb_build_object('reason', after));
end
$$;

-- A changed output is a changed value in whoever uses it: the same decided definition, as a new generation.
create or replace function cairn.reapply_dependents(team text, resource uuid) returns void language plpgsql as $$
declare
  d cairn.resources;
  operation uuid;
begin
  for d in
    select x.* from cairn.resource_dependencies e
    join cairn.resources x on x.team_id = e.team_id and x.id = e.resource_id
    where e.team_id = team and e.depends_on = resource and not x.deleting and x.status in ('READY', 'SYNCING')
    order by x.id for update of x
  loop
    operation := cairn.uuid7();
    perform cairn.enqueue(team, d.id, operation, d.generation + 1, 'apply', d.definition, d.definition_hash, d.decision_id, 60);
    update cairn.resources x
    set generation = d.generation + 1, operation_id = operation, status = 'PENDING', reason = null, updated_at = now()
    where x.team_id = team and x.id = d.id;
    perform cairn.log(team, 'cairn', 'resource.reapplied', null, d.id, operation, jsonb_build_object('generation', d.generation + 1));
  end loop;
end
$$;

grant execute on function cairn.settle(text, uuid[]), cairn.neighbours(text, uuid, text), cairn.resettle(text, uuid, uuid),
  cairn.enqueue(text, uuid, uuid, bigint, text, jsonb, text, uuid, double precision)
  to cairn_api, cairn_platform, cairn_worker;
grant execute on function cairn.reapply_dependents(text, uuid), cairn.fail_successor(cairn.operations, jsonb) to cairn_worker;
