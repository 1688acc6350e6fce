import type { Database } from "./data-api.ts";

/** How things stand, as an operator watches it. Counts stop at ten thousand; an age is 0 where there is nothing. */
export type Gauges = {
  failedResources: number;
  /** Neither at an end nor on the way to one: what law I3 rules out. */
  stuckResources: number;
  oldestPendingSeconds: number;
  openBreakers: number;
  oldestDriftSeconds: number;
};

/**
 * One statement that reads the edges of indexes and no table: an alarm needs no exact count of a disaster.
 *
 * Stuck is what nobody will look at: an operation that the sweep should have taken over two periods ago, or a resource on its
 * way that has no open operation, which no sweep would ever find. What waits at a gate is none of it: that has its own gauges.
 */
export const gaugesQuery = `
  select jsonb_build_object(
    'failedResources', (select count(*) from (select from cairn.resources where status = 'FAILED' limit 10000) f),
    'stuckResources', (
      select count(*) from (
        select o.team_id, o.resource_id from (
          select team_id, resource_id from cairn.operations
          where status in ('PENDING', 'RUNNING', 'WAITING') and gate is null
            and due_at < now() - make_interval(secs => 2 * :sweepSeconds)
          order by due_at limit 10000) o
        union
        select r.team_id, r.id from (
          select team_id, id, updated_at from cairn.resources
          where status in ('PENDING', 'SYNCING', 'DELETING') limit 10000) r
        where r.updated_at < now() - make_interval(secs => 2 * :sweepSeconds)
          and not exists (
            select from cairn.operations o
            where o.team_id = r.team_id and o.resource_id = r.id and o.status in ('PENDING', 'RUNNING', 'WAITING'))
      ) s),
    'oldestPendingSeconds', ${ageOf(`
      select min(opened_at) from cairn.operations where status in ('PENDING', 'RUNNING', 'WAITING')`)},
    'openBreakers', (select count(*) from cairn.breakers where state <> 'CLOSED'),
    'oldestDriftSeconds', ${ageOf(`
      select detected_at from cairn.drift_findings where resolved_at is null order by id limit 1`)}
  )`;

function ageOf(moment: string): string {
  return `coalesce(floor(extract(epoch from now() - (${moment}))), 0)`;
}

/** @param sweepSeconds the period of the sweep */
export async function readGauges(database: Database, sweepSeconds: number): Promise<Gauges> {
  const [gauges] = await database.rows<Gauges>(gaugesQuery, { sweepSeconds });
  if (gauges === undefined) throw new Error("The store gave no gauges.");
  return gauges;
}
