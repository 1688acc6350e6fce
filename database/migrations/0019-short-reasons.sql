-- As in 0004, but never longer than what the workers write. A reason may name all that a resource waits for, and nothing says how
-- many use one: with 1,600 of them its row outgrew the Data API's 64 KB, and no list that it stood in could be read any more.
create or replace function cairn.reason(code text, message text, retry_at timestamptz) returns jsonb
language sql stable as $$
  select jsonb_build_object('code', code,
    'message', case when length(message) > 1000 then left(message, 999) || '…' else message end,
    'retryAt', cairn.iso(retry_at))
$$;

update cairn.resources x set reason = cairn.reason(x.reason->>'code', x.reason->>'message', (x.reason->>'retryAt')::timestamptz)
where length(x.reason->>'message') > 1000;
