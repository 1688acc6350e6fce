-- Makes an operation wait at a gate, as in 0007; its resource's timeline also says who has closed that gate by hand.
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
