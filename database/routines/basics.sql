-- What all others are made of: ids, times, reasons, entries of the audit log.

-- A UUIDv7 of the database's clock. Twenty-six bits after the time count up, so that what one transaction writes sorts in
-- the order of writing; twelve would begin again in the middle of a transaction every few hundred of them.
create or replace function cairn.uuid7() returns uuid language sql volatile as $$
  select encode(
    int8send((floor(extract(epoch from now()) * 1000)::bigint << 16) | 28672 | (n >> 14))
    || substring(int4send((32768 | (n & 16383))::integer) from 3)
    || substring(uuid_send(gen_random_uuid()) from 11),
    'hex')::uuid
  from (select nextval('cairn.event_order') & 67108863 as n) counted
$$;

-- The smallest UUIDv7 of a moment.
create or replace function cairn.uuid7_floor(moment timestamptz) returns uuid language sql immutable as $$
  select (encode(substring(int8send(floor(extract(epoch from moment) * 1000)::bigint) from 3), 'hex')
    || '00000000000000000000')::uuid
$$;

-- The provider's idempotency token: the same for the same attempt, whoever computes it (law F2).
create or replace function cairn.provider_token(resource uuid, generation bigint, kind text, attempt integer) returns text
language sql immutable as $$
  select encode(sha256(convert_to(concat_ws(':', resource, generation, kind, attempt), 'UTF8')), 'hex')
$$;

-- A timestamp as text with its microseconds, which a JavaScript Date would drop.
create or replace function cairn.iso(moment timestamptz) returns text
language sql stable as $$
  select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Never longer than what the workers write. A reason may name all that a resource waits for, and nothing says how many use one:
-- with 1,600 of them its row outgrew the Data API's 64 KB, and no list that it stood in could be read any more.
create or replace function cairn.reason(code text, message text, retry_at timestamptz) returns jsonb
language sql stable as $$
  select jsonb_build_object('code', code,
    'message', case when length(message) > 1000 then left(message, 999) || '…' else message end,
    'retryAt', cairn.iso(retry_at))
$$;

create or replace function cairn.log(team text, actor text, event text, intent uuid, resource uuid, operation uuid, detail jsonb)
returns void language sql volatile as $$
  insert into cairn.audit_log (team_id, id, actor, event, intent_id, resource_id, operation_id, detail)
  values (team, cairn.uuid7(), actor, event, intent, resource, operation, detail)
$$;

-- What an execution is given: an operation, and the epoch under which it works.
create or replace function cairn.ref(op cairn.operations) returns jsonb
language sql immutable as $$
  select jsonb_build_object('team', op.team_id, 'operation', op.id, 'epoch', op.epoch)
$$;

grant execute on function cairn.uuid7(), cairn.uuid7_floor(timestamptz), cairn.provider_token(uuid, bigint, text, integer),
  cairn.iso(timestamptz), cairn.reason(text, text, timestamptz), cairn.log(text, text, text, uuid, uuid, uuid, jsonb),
  cairn.ref(cairn.operations)
  to cairn_api, cairn_platform, cairn_worker;
