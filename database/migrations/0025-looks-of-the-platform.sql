-- Whose share a look that was asked for comes out of.
alter table cairn.drift_runs add column by_platform boolean not null default false;
