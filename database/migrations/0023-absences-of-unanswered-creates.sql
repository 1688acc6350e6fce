-- As in 0021, and for a deletion behind a create of which nothing is known but that it was asked for: its answer was lost, and then a read
-- that did not know of it yet let one look take it for gone. The object stayed behind.
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
