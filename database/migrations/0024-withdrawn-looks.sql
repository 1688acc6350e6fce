-- Whoever opened a run for one resource may end it when its look could not be started. Of a team, its own alone: the policy of 0003
-- has it that a run which a team writes is a verification of its own.
grant update (status, finished_at) on cairn.drift_runs to cairn_api, cairn_platform;
grant update (unreadable) on cairn.drift_run_teams to cairn_api, cairn_platform;
