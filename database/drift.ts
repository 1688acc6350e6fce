import type { Caller, Scope } from "../core/caller.ts";
import type { DriftReport, Finding } from "../core/drift.ts";
import type { DriftCounts, DriftStore, DriftWork, Page, PageRequest, ResourceFilter } from "../core/store.ts";
import type { Database, SqlParameters } from "./data-api.ts";
import { dependencyOutputs } from "./operations.ts";
import { databaseFor, pageOf, type ScopedDatabases, scopedPage, scopedRows, teamOf } from "./scoped.ts";

const findingRow = `json_build_object('id', f.id,
  'resource', json_build_object('id', x.id, 'team', x.team_id, 'service', x.service, 'environment', x.environment,
    'name', x.name, 'type', x.type),
  'pointer', f.pointer, 'expected', f.expected, 'actual', f.actual, 'detectedAt', cairn.iso(f.detected_at),
  'resolvedAt', cairn.iso(f.resolved_at))`;

/** What stood open when the run ended; a verification is about its one resource. */
const stoodOpen = `(f.detected_at <= coalesce(d.finished_at, now())
  and (f.resolved_at is null or f.resolved_at > coalesce(d.finished_at, now()))
  and (d.resource_id is null or f.resource_id = d.resource_id))`;

const reportRow = `json_build_object('id', d.id, 'status', d.status, 'resourceId', d.resource_id,
  'startedAt', cairn.iso(d.started_at), 'finishedAt', cairn.iso(d.finished_at),
  'checked', coalesce((select sum(t.checked) from cairn.drift_run_teams t where t.run_id = d.id), 0),
  'unreadable', coalesce((select sum(t.unreadable) from cairn.drift_run_teams t where t.run_id = d.id), 0),
  'findings', case when d.status = 'DONE'
    then coalesce((select sum(t.findings) from cairn.drift_run_teams t where t.run_id = d.id), 0)
    else (select count(*) from cairn.drift_findings f
      where f.resolved_at is null and (d.resource_id is null or f.resource_id = d.resource_id)) end,
  'halted', coalesce((select json_agg(h) from (
    select g.environment, g.provider, sum(g.looked)::integer as looked, sum(g.missing)::integer as missing
    from cairn.drift_run_targets g where g.run_id = d.id and not g.believed
    group by g.environment, g.provider order by g.environment, g.provider) h), '[]'))`;

/** A verification is seen by its resource's team alone. */
const visible =
  "ctx.team is not null and (d.resource_id is null or exists (select from cairn.drift_run_teams t where t.run_id = d.id))";

/** The first hundred that fit in an answer: a row each, because a row holds 64 KB at most. */
const reportFindings = `select f.id::text as key, ${findingRow} as row
    from cairn.drift_runs d join cairn.drift_findings f on ${stoodOpen}
    join cairn.resources x on x.team_id = f.team_id and x.id = f.resource_id
    where ${visible} and d.id = :id::uuid order by f.id limit 100`;
const report = `select ${reportRow} as row from cairn.drift_runs d where ${visible} and d.id = :id::uuid`;

const works = `
    select r.id::text as key, jsonb_build_object('team', r.team_id, 'id', r.id, 'generation', r.generation,
      'definition', r.definition, 'readySeconds', extract(epoch from now() - r.updated_at), 'sentHash', r.sent_hash,
      'identifier', r.identifier, 'service', r.service, 'environment', r.environment, 'name', r.name,
      'dependencies', ${dependencyOutputs()},
      'target', (select t.config from cairn.targets t where t.environment = r.environment and t.provider = r.provider)) as row
    from jsonb_array_elements(:batch::jsonb) asked
    join cairn.resources r on r.team_id = asked->>'team' and r.id = (asked->>'id')::uuid
    where r.status = 'READY'`;

export const driftSql = {
  reports: `select d.id::text as key, ${reportRow} as row from cairn.drift_runs d
    where ${visible} and (:cursor::uuid is null or d.id < :cursor::uuid) order by d.id desc limit :limit`,
  /** The report, then what it found. */
  reportAndFindings: `select u.row from (
      select '' as key, h.row from (${report}) h
      union all select i.row->>'key', i.row->'item' from (${pageOf(reportFindings)}) i
    ) u order by u.key`,
  claim: "select c from cairn.claim_drift(:run::uuid, :batch::integer, :interval) c",
  work: pageOf(works),
  record: "select 'true'::jsonb from cairn.record_drift(:run::uuid, :sights::jsonb)",
  close: "select cairn.close_drift(:run::uuid, :pass)",
};

/** Only the conditions that were asked for are in the text. */
export function findingList(
  filter: ResourceFilter & { resource?: string | undefined; resolved?: boolean | undefined },
  page: PageRequest,
): { list: string; parameters: SqlParameters } {
  const conditions = [
    "ctx.team is not null",
    filter.resolved === true ? "f.resolved_at is not null" : "f.resolved_at is null",
  ];
  const parameters: SqlParameters = {};
  const columns = {
    team: "f.team_id = :team",
    service: "x.service = :service",
    environment: "x.environment = :environment",
    type: "x.type = :type",
    status: "x.status = :status",
    resource: "f.resource_id = :resource::uuid",
  };
  for (const [field, condition] of Object.entries(columns)) {
    const value = filter[field as keyof typeof columns];
    if (value === undefined) continue;
    conditions.push(condition);
    parameters[field] = value;
  }
  conditions.push(page.cursor === null ? ":cursor::text is null" : "f.id > :cursor::uuid");
  const list = `
    select f.id::text as key, ${findingRow} as row
    from cairn.drift_findings f join cairn.resources x on x.team_id = f.team_id and x.id = f.resource_id
    where ${conditions.join(" and ")} order by f.id limit :limit`;
  return { list, parameters };
}

/** Reports and findings, as API callers read them. */
export function driftQueries(databases: ScopedDatabases) {
  return {
    driftReports: (scope: Scope, page: PageRequest): Promise<Page<DriftReport>> =>
      scopedPage(databases, scope, driftSql.reports, {}, page),
    async driftReport(scope: Scope, id: string): Promise<(DriftReport & { items: Finding[] }) | null> {
      const [report, ...items] = await scopedRows<DriftReport | Finding>(databases, scope, driftSql.reportAndFindings, {
        id,
      });
      return report === undefined ? null : { ...(report as DriftReport), items: items as Finding[] };
    },
    findings(
      scope: Scope,
      filter: ResourceFilter & { resource?: string | undefined; resolved?: boolean | undefined },
      page: PageRequest,
    ): Promise<Page<Finding>> {
      const { list, parameters } = findingList(filter, page);
      return scopedPage(databases, scope, list, parameters, page);
    },
    async openVerification(scope: Scope, caller: Caller, runId: string, resourceId: string) {
      const [outcome] = await databaseFor(databases, scope).rows<"opened" | "not-found" | "not-ready" | "too-many">(
        "select to_jsonb(cairn.open_verification(:run::uuid, :resource::uuid, :team, :actor))",
        { run: runId, resource: resourceId, team: teamOf(scope), actor: caller.subject },
      );
      return outcome ?? "not-found";
    },
    async withdrawVerification(scope: Scope, runId: string): Promise<void> {
      const withdrawal = "select 'true'::jsonb from cairn.withdraw_verification(:run::uuid, :team)";
      await databaseFor(databases, scope).rows(withdrawal, { run: runId, team: teamOf(scope) });
    },
  };
}

/** What the drift machine's steps need, under the workers' role. */
export function driftWorkerQueries(database: Database): DriftStore {
  return {
    claimDrift: (runId, { batch, intervalSeconds }) =>
      database.rows(driftSql.claim, { run: runId, batch, interval: intervalSeconds }),
    async driftWork(batch) {
      const works: DriftWork[] = [];
      // One round trip, but for a batch whose definitions together are more than an answer holds.
      for (let left = batch; ; left = left.filter(({ id }) => !works.some((work) => work.id === id))) {
        const rows = await database.rows<{ item: DriftWork; total: number }>(driftSql.work, {
          batch: JSON.stringify(left),
        });
        works.push(...rows.map(({ item }) => item));
        if ((rows[0]?.total ?? 0) <= rows.length) return works;
      }
    },
    async recordDrift(runId, sights) {
      await database.rows(driftSql.record, { run: runId, sights: JSON.stringify(sights) });
    },
    async closeDrift(runId, passSeconds) {
      const [counts] = await database.rows<DriftCounts>(driftSql.close, { run: runId, pass: passSeconds });
      return counts ?? { checked: 0, unreadable: 0, findings: 0, halted: 0 };
    },
  };
}
