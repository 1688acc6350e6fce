-- Since when an operation has been open: a retry opens it again, and so does the end of what it was blocked by. A trigger,
-- because three functions reopen operations and none of them should have to know.
alter table cairn.operations add column opened_at timestamptz not null default now();

create function cairn.reopen() returns trigger language plpgsql as $$
begin
  new.opened_at := now();
  return new;
end
$$;

create trigger reopened before update on cairn.operations
  for each row when (old.finished_at is not null and new.finished_at is null) execute function cairn.reopen();

create index operations_opened on cairn.operations (opened_at) where status in ('PENDING', 'RUNNING', 'WAITING');

revoke execute on all functions in schema cairn from public;
