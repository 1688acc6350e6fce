-- An operation that does not find what was made does not believe that at once (law F15): it would make a second object, or
-- record as deleted what lives. It looks again, and while much of its target is missing it waits.

-- Notes that an operation has not found what was READY, or what a request has made since. Null where there was nothing to find: an
-- open finding says that it is gone, which a person has asked for, or a run has believed that halted nothing since. Otherwise
-- { "seconds": since the first such look, "denied": much else is missing too }.
-- A deletion looks twice also for what has an identifier and never got READY, and behind a create of which nothing is known but that
-- it was asked for: after a lost answer, a read that did not know the object yet let one look take it for gone.
--
-- Much is missing while the target is halted, or when operations have missed more than five objects there within an hour, unless
-- looks have found anything else of the same service since: who removes ten objects by hand has not made the service forget the
-- eleventh. A look counts from its run's start by the database's clock: a run's id is of its worker's, and one ten minutes ahead
-- made what a run found before a service forgot everything speak for the service (law F12).
-- Deletions that have asked are not counted and not denied: their object was found, and is gone as it should be. When their answers
-- are lost, as many of a whole environment's can be, they look twice and neither wait for one another nor make anybody wait.
create or replace function cairn.note_absence(team text, operation uuid, held_epoch bigint) returns jsonb language plpgsql as $$
declare
  others_at_most constant integer := 5;
  r cairn.resources;
  op cairn.operations;
  halted timestamptz;
  others integer;
  since timestamptz;
  found_another boolean;
begin
  update cairn.operations o set absent_since = coalesce(o.absent_since, now())
  from cairn.resources x
  where o.team_id = team and o.id = operation and o.epoch = held_epoch and o.status = 'RUNNING'
    and x.team_id = o.team_id and x.id = o.resource_id
    and (x.identifier is not null and (x.drift_due_at is not null or o.kind = 'delete') or x.request is not null
      or o.kind = 'delete' and exists (
        select from cairn.operations p
        where p.team_id = x.team_id and p.resource_id = x.id and p.kind = 'apply' and (p.token_used_at is not null or p.attempt > 1)))
    and not exists (
      select from cairn.drift_findings f
      where f.team_id = x.team_id and f.resource_id = x.id and f.pointer = '' and f.resolved_at is null
        and (exists (select from cairn.drift_runs d where d.id = f.run_id and d.resource_id is not null)
          or not exists (select from cairn.drift_halts h where h.environment = x.environment and h.provider = x.provider)))
  returning o.* into op;
  if op.id is null then
    return null;
  end if;
  select * into r from cairn.resources x where x.team_id = team and x.id = op.resource_id;
  select h.halted_at into halted from cairn.drift_halts h
  where h.environment = r.environment and h.provider = op.definition->>'provider';
  select count(distinct o.resource_id) into others from cairn.operations o
  join cairn.resources x on x.team_id = o.team_id and x.id = o.resource_id
  where o.absent_since > now() - interval '1 hour' and x.id <> r.id and (o.kind = 'apply' or o.token_used_at is null)
    and x.environment = r.environment and x.provider = r.provider
    -- Found again, or perhaps never made: neither is a denial.
    and case o.kind when 'apply' then o.status <> 'SUCCEEDED' or o.token_used_at is not null else exists (
      select from cairn.operations s
      where s.team_id = x.team_id and s.resource_id = x.id and s.kind = 'apply' and s.status = 'SUCCEEDED') end;
  since := least(halted, op.absent_since);
  -- A look has found it and it was asked to go: that is no denial, however many answers were lost.
  if op.kind = 'delete' and op.token_used_at is not null then
    return jsonb_build_object('seconds', extract(epoch from now() - op.absent_since), 'denied', false);
  end if;
  found_another := exists (
    select from cairn.resources x
    where x.environment = r.environment and x.provider = r.provider and x.status = 'READY' and x.id <> r.id
      and cairn.provider_service(x.definition->>'kind') = cairn.provider_service(op.definition->>'kind')
      and (x.updated_at > since
        or (exists (select from cairn.drift_runs d where d.id = x.drift_run_id and d.started_at >= since)
          and (x.missing_since is null or x.missing_since < x.updated_at))));
  return jsonb_build_object('seconds', extract(epoch from now() - op.absent_since),
    'denied', (halted is not null or others >= others_at_most) and not found_another);
end
$$;

-- The trigger of what is opened again, by a retry or by the end of what it was blocked by: it has been open since then
-- (gauges), and begins its looks anew, as what its last try had missed may have been seen since. A trigger, because three functions
-- reopen operations and none of them should have to know.
create or replace function cairn.reopen() returns trigger language plpgsql as $$
begin
  new.opened_at := now();
  new.absent_since := null;
  return new;
end
$$;

grant execute on function cairn.note_absence(text, uuid, bigint) to cairn_worker;
