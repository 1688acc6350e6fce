import type { Caller, Scope } from "../core/caller.ts";
import type { Breaker, Orphan } from "../core/catalog.ts";
import type { AbandonResult, Page, PageRequest, RetryResult } from "../core/store.ts";
import { databaseFor, type ScopedDatabases, scopedPage, teamOf } from "./scoped.ts";

export const peopleSql = {
  retry: "select cairn.retry_resource(:resource::uuid, :scope, :actor, :grace)",
  abandon: "select cairn.abandon_resource(:resource::uuid, :actor)",
  putBreaker: "select cairn.put_breaker(:environment, :provider, :service, :state, :actor)",
  orphans: `
    select x.id::text as key, json_build_object('id', x.id,
      'resource', json_build_object('id', x.resource_id, 'team', x.team_id, 'service', x.service, 'environment', x.environment,
        'name', x.name, 'type', x.type),
      'provider', x.provider, 'kind', x.kind, 'externalName', x.external_name, 'identifier', x.identifier,
      'request', x.request, 'abandonedBy', x.abandoned_by, 'abandonedAt', cairn.iso(x.abandoned_at)) as row
    from cairn.orphans x
    where ctx.team is not null and (:team::text is null or x.team_id = :team::text)
      and (:cursor::uuid is null or x.id > :cursor::uuid)
    order by x.id limit :limit`,
};

/** What people do when Cairn cannot go on by itself. */
export function peopleQueries(databases: ScopedDatabases, graceSeconds: number) {
  return {
    async retryResource(scope: Scope, caller: Caller, resourceId: string): Promise<RetryResult> {
      const [result] = await databaseFor(databases, scope).rows<RetryResult>(peopleSql.retry, {
        resource: resourceId,
        scope: teamOf(scope),
        actor: caller.subject,
        grace: graceSeconds,
      });
      return result ?? { outcome: "not-found" };
    },
    async abandonResource(scope: Scope, caller: Caller, resourceId: string): Promise<AbandonResult> {
      const [result] = await databaseFor(databases, scope).rows<AbandonResult>(peopleSql.abandon, {
        resource: resourceId,
        actor: caller.subject,
      });
      return result ?? { outcome: "not-found" };
    },
    orphans: (scope: Scope, team: string | null, page: PageRequest): Promise<Page<Orphan>> =>
      scopedPage(databases, scope, peopleSql.orphans, { team }, page),
    async putBreaker(
      scope: Scope,
      caller: Caller,
      place: { environment: string; provider: string; service: string },
      state: "OPEN" | "CLOSED",
    ): Promise<Breaker | null> {
      const [breaker] = await databaseFor(databases, scope).rows<Breaker | null>(peopleSql.putBreaker, {
        ...place,
        state,
        actor: caller.subject,
      });
      return breaker ?? null;
    },
  };
}
