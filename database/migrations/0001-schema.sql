-- The first schema. What a team owns leads its key with team_id, so that the store can be sharded by it. Ids are UUIDv7
-- made by the application. What grows with every change is partitioned by its id, whose first 48 bits are its time: the
-- id alone is then a key, a lookup by id touches one partition, and the end of a retention is one DROP TABLE.
-- Statuses are text: an enum's "=" is not leakproof, so it could be no index condition under row-level security.

create table cairn.teams (
  team_id text primary key,
  name text,
  contact text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table cairn.environments (
  environment text primary key,
  tier text not null check (tier in ('development', 'staging', 'production')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

insert into cairn.environments (environment, tier)
values ('development', 'development'), ('staging', 'staging'), ('production', 'production')
on conflict do nothing;

-- Where an environment's resources of one provider live. The platform team's, not a team's.
create table cairn.targets (
  environment text not null references cairn.environments,
  provider text not null,
  config jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (environment, provider)
);

create table cairn.services (
  team_id text not null references cairn.teams,
  service text not null,
  description text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (team_id, service)
);

-- Counts accepted intents of one service in one environment. An intent whose resources depend on others was decided at
-- one version and is accepted only at that version; its row lock makes accepting serial per service and environment.
create table cairn.service_environments (
  team_id text not null,
  service text not null,
  environment text not null references cairn.environments,
  version bigint not null default 0,
  primary key (team_id, service, environment),
  foreign key (team_id, service) references cairn.services
);

create table cairn.intents (
  team_id text not null,
  id uuid not null,
  service text not null,
  environment text not null,
  action text not null check (action in ('apply', 'delete')),
  document jsonb not null,
  decision_id uuid not null,
  warnings jsonb not null default '[]',
  subject text not null,
  created_at timestamptz not null default now(),
  primary key (team_id, id)
) partition by range (id);

-- The platform asks by id alone.
create index intents_id on cairn.intents (id);

-- Which operation answers each part of an intent; null where there was nothing to do.
create table cairn.intent_resources (
  team_id text not null,
  intent_id uuid not null,
  resource_id uuid not null,
  name text not null,
  type text not null,
  operation_id uuid,
  primary key (team_id, intent_id, resource_id)
) partition by range (intent_id);

create table cairn.resources (
  team_id text not null,
  id uuid not null,
  service text not null,
  environment text not null,
  name text not null,
  type text not null,
  version integer not null,
  provider text not null,
  status text not null check (status in ('PENDING', 'SYNCING', 'READY', 'FAILED', 'DELETING', 'DELETED')),
  generation bigint not null check (generation > 0),
  definition jsonb not null check (octet_length(definition::text) <= 49152),
  definition_hash text not null,
  outputs jsonb not null default '{}',
  reason jsonb,
  identifier text,
  -- Hash of the values that made it READY last: what a provider never returns is compared by it.
  sent_hash text,
  -- The properties behind the last READY, then those that failed since and may be there in part: what a new generation no
  -- longer asks for is taken back by them.
  applied jsonb not null default '[]',
  -- The provider's handle of the request in flight on this resource.
  request text,
  -- Being deleted, or gone. Its name is free again: what is wanted anew is a new resource with a new id.
  deleting boolean not null default false,
  operation_id uuid not null,
  -- The decision that allowed this definition: it outlives the operation, whose partition is dropped some day.
  decision_id uuid not null,
  drift_due_at timestamptz,
  -- The last drift run that looked at it, so that a look written twice counts once.
  drift_run_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (team_id, id)
);

create unique index resources_name on cairn.resources (team_id, service, environment, name) where not deleting;
create index resources_drift on cairn.resources (drift_due_at) where status = 'READY';
create index resources_gone on cairn.resources (updated_at) where status = 'DELETED';
-- The platform, whose policy gives no team: one resource, the list, and what is in a status.
create index resources_id on cairn.resources (id);
create index resources_live on cairn.resources (id) where status <> 'DELETED';
create index resources_status_all on cairn.resources (status, id);
-- A team's lists. What is deleted stays as long as the audit does, and no list but its own reads past it.
create index resources_team on cairn.resources (team_id, id) where status <> 'DELETED';
create index resources_service on cairn.resources (team_id, service, environment, id) where status <> 'DELETED';
create index resources_environment on cairn.resources (team_id, environment, id) where status <> 'DELETED';
create index resources_type on cairn.resources (team_id, type, id) where status <> 'DELETED';
create index resources_status on cairn.resources (team_id, status, id);

-- The edges of each live resource's current generation: team_id and resource_id use depends_on's outputs.
create table cairn.resource_dependencies (
  team_id text not null,
  resource_id uuid not null,
  depends_on uuid not null,
  primary key (team_id, resource_id, depends_on),
  foreign key (team_id, resource_id) references cairn.resources,
  foreign key (team_id, depends_on) references cairn.resources
);

create index resource_dependencies_reverse on cairn.resource_dependencies (team_id, depends_on, resource_id);

-- The write-ahead record of converging one generation of one resource. due_at is when the sweep looks at it: the end of
-- the lease while RUNNING, the end of the pause while WAITING, some grace after acceptance while PENDING.
create table cairn.operations (
  team_id text not null,
  id uuid not null,
  resource_id uuid not null,
  generation bigint not null,
  kind text not null check (kind in ('apply', 'delete')),
  status text not null check (status in ('PENDING', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'SUPERSEDED')),
  epoch bigint not null default 1,
  attempt integer not null default 1,
  waits integer not null default 0,
  -- How often a step ended in an error that nobody expected: five, and the resource needs attention (law F13).
  stumbles integer not null default 0,
  due_at timestamptz not null,
  definition jsonb not null,
  decided_hash text not null,
  decision_id uuid not null,
  token text not null,
  token_used_at timestamptz,
  sent_hash text,
  reason jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (team_id, id)
) partition by range (id);

create index operations_due on cairn.operations (due_at) where status in ('PENDING', 'RUNNING', 'WAITING');
create index operations_open on cairn.operations (team_id, resource_id) where status in ('PENDING', 'RUNNING', 'WAITING');

create table cairn.decisions (
  team_id text not null,
  id uuid not null,
  intent_id uuid,
  allow boolean not null,
  policy_revision text not null,
  wasm_hash text not null,
  input_hash text not null,
  -- Resource name to the hash of the definition that was judged (law I7).
  definition_hashes jsonb not null,
  violations jsonb not null,
  warnings jsonb not null,
  subject text not null,
  created_at timestamptz not null default now(),
  primary key (team_id, id)
) partition by range (id);

create index decisions_id on cairn.decisions (id);

-- Append-only: no role but the owner may update or delete, and the owner only drops whole partitions.
create table cairn.audit_log (
  team_id text not null,
  id uuid not null,
  at timestamptz not null default now(),
  actor text not null,
  event text not null,
  intent_id uuid,
  resource_id uuid,
  operation_id uuid,
  detail jsonb not null default '{}',
  primary key (team_id, id)
) partition by range (id);

create index audit_log_resource on cairn.audit_log (team_id, resource_id, id);

create table cairn.idempotency_keys (
  team_id text not null,
  key text not null,
  request_hash text not null,
  intent_id uuid not null,
  response jsonb not null,
  created_at timestamptz not null default now(),
  primary key (team_id, key)
);

create index idempotency_keys_age on cairn.idempotency_keys (created_at);

create table cairn.drift_runs (
  id uuid primary key,
  resource_id uuid,
  resource_team text,
  status text not null default 'RUNNING' check (status in ('RUNNING', 'DONE')),
  started_at timestamptz not null default now(),
  finished_at timestamptz
) partition by range (id);

-- A run's counts, kept per team so that each team reads its own.
create table cairn.drift_run_teams (
  team_id text not null,
  run_id uuid not null,
  checked integer not null default 0,
  unreadable integer not null default 0,
  -- What stood open when the run ended; null until then.
  findings integer,
  primary key (team_id, run_id)
) partition by range (run_id);

create index drift_run_teams_run on cairn.drift_run_teams (run_id);

create table cairn.drift_findings (
  team_id text not null,
  id uuid not null,
  resource_id uuid not null,
  pointer text not null,
  expected jsonb not null,
  actual jsonb not null,
  run_id uuid not null,
  detected_at timestamptz not null default now(),
  resolved_at timestamptz,
  primary key (team_id, id),
  foreign key (team_id, resource_id) references cairn.resources
);

create unique index drift_findings_open on cairn.drift_findings (team_id, resource_id, pointer) where resolved_at is null;
create index drift_findings_team on cairn.drift_findings (team_id, id) where resolved_at is null;
create index drift_findings_all on cairn.drift_findings (id) where resolved_at is null;
create index drift_findings_resource on cairn.drift_findings (team_id, resource_id, id);
create index drift_findings_resolved on cairn.drift_findings (resolved_at) where resolved_at is not null;
create index drift_findings_past on cairn.drift_findings (team_id, id) where resolved_at is not null;
create index drift_findings_past_all on cairn.drift_findings (id) where resolved_at is not null;
