-- An operation that does not find what was made does not believe that at once (law F15): it would make a second object, or
-- record as deleted what lives. It looks again, and while much of its target is missing it waits.

-- Since when its looks have not found what was made; null again when one has.
alter table cairn.operations add column absent_since timestamptz;
create index operations_absent on cairn.operations (absent_since) where absent_since is not null;

-- Notes that an operation has not found what was READY, or what a request has made since. Null where there was nothing to find: an
-- open finding says that it is gone, which a person has asked for, or a run has believed that halted nothing since. Otherwise
-- { "seconds": since the first such look, "denied": much else is missing too }.
-- Much is missing while the target is halted, or when operations have missed more than five objects there within an hour, unless
-- looks have found anything else of the same service since: who removes ten objects by hand has not made the service forget the
-- eleventh.
create function cairn.note_absence(team text, operation uuid, held_epoch bigint) returns jsonb language plpgsql as $$
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
    and (x.identifier is not null and x.drift_due_at is not null or x.request is not null)
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
  where o.absent_since > now() - interval '1 hour' and x.id <> r.id
    and x.environment = r.environment and x.provider = r.provider;
  since := least(halted, op.absent_since);
  found_another := exists (
    select from cairn.resources x
    where x.environment = r.environment and x.provider = r.provider and x.status = 'READY' and x.id <> r.id
      and cairn.provider_service(x.definition->>'kind') = cairn.provider_service(op.definition->>'kind')
      and (x.updated_at > since
        or (x.drift_run_id >= cairn.uuid7_floor(since) and (x.missing_since is null or x.missing_since < x.updated_at))));
  return jsonb_build_object('seconds', extract(epoch from now() - op.absent_since),
    'denied', (halted is not null or others >= others_at_most) and not found_another);
end
$$;

revoke execute on all functions in schema cairn from public;
grant execute on function cairn.note_absence(text, uuid, bigint) to cairn_worker;
