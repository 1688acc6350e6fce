import type { Caller, Scope } from "../core/caller.ts";
import type { DecisionView, Environment, Service, Target, Team } from "../core/catalog.ts";
import type { Tier } from "../core/definition.ts";
import type { Page, PageRequest } from "../core/store.ts";
import { databaseFor, type ScopedDatabases, scopedPage, scopedRows, teamOf } from "./scoped.ts";

const times = "'createdAt', cairn.iso(x.created_at), 'updatedAt', cairn.iso(x.updated_at)";
const after = (column: string) => `ctx.team is not null and (:cursor::text is null or ${column} > :cursor::text)`;

const teamRow = `json_build_object('team', x.team_id, 'name', x.name, 'contact', x.contact, ${times})`;
const serviceRow = `json_build_object('team', x.team_id, 'service', x.service, 'description', x.description, ${times})`;
const environmentRow = `json_build_object('environment', x.environment, 'tier', x.tier, ${times})`;
/** The backlog is counted over what the scope sees. */
const targetRow = `json_build_object('environment', x.environment, 'provider', x.provider, 'config', x.config,
  'budget', (select json_build_object('requestsPerSecond', p.rate, 'burst', cairn.target_burst(p.rate), 'available',
      round(coalesce((
        select least(cairn.target_burst(p.rate), b.tokens + p.rate * greatest(0, extract(epoch from now() - b.filled_at)))
        from cairn.target_budgets b where b.environment = x.environment and b.provider = x.provider
      ), cairn.target_burst(p.rate))))
    from (select cairn.target_rate(x.config) as rate) p),
  'backlog', json_build_object(
    'budget', (select count(*) from cairn.operations o
      where o.gate = 'BUDGET' and o.status = 'WAITING' and o.environment = x.environment and o.provider = x.provider),
    'breaker', (select count(*) from cairn.operations o
      where o.gate = 'BREAKER' and o.status = 'WAITING' and o.environment = x.environment and o.provider = x.provider)),
  'breakers', (select coalesce(jsonb_agg(cairn.breaker_view(b) order by b.service), '[]') from cairn.breakers b
    where b.environment = x.environment and b.provider = x.provider),
  'driftHalted', (select json_build_object('since', cairn.iso(h.halted_at), 'report', h.run_id) from cairn.drift_halts h
    where h.environment = x.environment and h.provider = x.provider), ${times})`;

export const catalogSql = {
  team: `select ${teamRow} as row from cairn.teams x where ctx.team is not null and x.team_id = :team`,
  teams: `select x.team_id as key, ${teamRow} as row from cairn.teams x where ${after("x.team_id")} order by x.team_id limit :limit`,
  service: `select ${serviceRow} as row from cairn.services x
    where ctx.team is not null and x.team_id = :team and x.service = :service`,
  services: `select x.team_id || '!' || x.service as key, ${serviceRow} as row from cairn.services x
    where ctx.team is not null and (:team::text is null or x.team_id = :team::text)
      and (:cursor::text is null or (x.team_id, x.service) > (split_part(:cursor::text, '!', 1), split_part(:cursor::text, '!', 2)))
    order by x.team_id, x.service limit :limit`,
  environment: `select ${environmentRow} as row from cairn.environments x where ctx.team is not null and x.environment = :environment`,
  environments: `select x.environment as key, ${environmentRow} as row from cairn.environments x
    where ${after("x.environment")} order by x.environment limit :limit`,
  targets: `select x.environment || '!' || x.provider as key, ${targetRow} as row from cairn.targets x
    where ctx.team is not null and (:environment::text is null or x.environment = :environment::text)
      and (:cursor::text is null or (x.environment, x.provider) > (split_part(:cursor::text, '!', 1), split_part(:cursor::text, '!', 2)))
    order by x.environment, x.provider limit :limit`,
  decision: `select json_build_object('id', x.id, 'team', x.team_id, 'intentId', x.intent_id, 'allow', x.allow,
      'policyRevision', x.policy_revision, 'wasmHash', x.wasm_hash, 'inputHash', x.input_hash, 'violations', x.violations,
      'warnings', x.warnings, 'createdAt', cairn.iso(x.created_at)) as row
    from cairn.decisions x where ctx.team is not null and x.id = :id::uuid`,
};

/** Teams, services, environments, targets and decisions. */
export function catalogQueries(databases: ScopedDatabases) {
  const one = async <T>(scope: Scope, query: string, parameters: { [name: string]: string }): Promise<T | null> =>
    (await scopedRows<T>(databases, scope, query, parameters))[0] ?? null;
  const page = <T>(
    scope: Scope,
    list: string,
    parameters: { [name: string]: string | null },
    request: PageRequest,
  ): Promise<Page<T>> => scopedPage<T>(databases, scope, list, parameters, request);

  return {
    team: (scope: Scope, team: string) => one<Team>(scope, catalogSql.team, { team }),
    teams: (scope: Scope, request: PageRequest) => page<Team>(scope, catalogSql.teams, {}, request),
    async putTeam(scope: Scope, caller: Caller, team: string, fields: { name: string | null; contact: string | null }) {
      const [row] = await databaseFor(databases, scope).rows<Put<Team>>(
        "select cairn.put_team(:team, :name::text, :contact::text, :actor)",
        {
          team,
          ...fields,
          actor: caller.subject,
        },
      );
      const { created, ...stored } = row as Put<Team>;
      return { created, team: stored };
    },
    service: (scope: Scope, team: string, service: string) =>
      one<Service>(scope, catalogSql.service, { team, service }),
    services: (scope: Scope, team: string | null, request: PageRequest) =>
      page<Service>(scope, catalogSql.services, { team }, request),
    async putService(
      scope: Scope,
      caller: Caller,
      team: string,
      service: string,
      fields: { description: string | null },
    ) {
      const [row] = await databaseFor(databases, scope).rows<Put<Service> | null>(
        "select cairn.put_service(:team, :service, :description::text, :actor, :scope)",
        { team, service, ...fields, actor: caller.subject, scope: teamOf(scope) },
      );
      if (row === null || row === undefined) return null;
      const { created, ...stored } = row;
      return { created, service: stored };
    },
    environment: (scope: Scope, environment: string) =>
      one<Environment>(scope, catalogSql.environment, { environment }),
    environments: (scope: Scope, request: PageRequest) =>
      page<Environment>(scope, catalogSql.environments, {}, request),
    async putEnvironment(scope: Scope, caller: Caller, environment: string, fields: { tier: Tier }) {
      const [row] = await databaseFor(databases, scope).rows<Put<Environment> | null>(
        "select cairn.put_environment(:environment, :tier, :actor)",
        { environment, tier: fields.tier, actor: caller.subject },
      );
      if (row === null || row === undefined) return "tier-in-use" as const;
      const { created, ...stored } = row;
      return { created, environment: stored };
    },
    targets: (scope: Scope, environment: string | null, request: PageRequest) =>
      page<Target>(scope, catalogSql.targets, { environment }, request),
    decision: (scope: Scope, id: string) => one<DecisionView>(scope, catalogSql.decision, { id }),
  };
}

type Put<T> = T & { created: boolean };
