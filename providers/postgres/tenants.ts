import type { Run } from "./data-api.ts";

/** SQL: whether the role of this oid is one that this provider made. */
export function isTenant(oid: string): string {
  return `(coalesce(shobj_description(${oid}, 'pg_authid'), '') LIKE 'cairn:resource-id=%')`;
}

/** Far longer than rows of the cluster's catalog are held by who means no harm. */
const waitMilliseconds = 1000;

/**
 * Runs statements, and once one has waited for a while ends the tenants' sessions that it waits for. All that those share
 * with the admin are rows of the cluster's catalog: a tenant owns its database, so it may change that row, let another's role in
 * there, and never commit.
 */
export function insisting(run: Run): Run {
  return async (statement, parameters) => {
    const timer = setTimeout(() => void run(endBlockers).catch(() => undefined), waitMilliseconds);
    return run(statement, parameters).finally(() => clearTimeout(timer));
  };
}

const endBlockers = `
  SELECT count(pg_terminate_backend(blocker.pid))::text
  FROM pg_stat_activity waiting
  CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) blocking(pid)
  JOIN pg_stat_activity blocker ON blocker.pid = blocking.pid
  WHERE waiting.usename = current_user AND waiting.wait_event_type = 'Lock' AND ${isTenant("blocker.usesysid")}`;
