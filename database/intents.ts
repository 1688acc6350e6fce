import type { Scope } from "../core/caller.ts";
import { type IntentStatus, type IntentView, intentStatus } from "../core/intent.ts";
import type { JsonObject } from "../core/json.ts";
import type { OperationKind, OperationStatus } from "../core/operation.ts";
import type { Acceptance, AcceptResult, ContextResource, IntentContext } from "../core/store.ts";
import { databaseFor, pageBytes, type ScopedDatabases, scopedRows, teamOf } from "./scoped.ts";

/** Properties with which AWS refuses a delete, wherever it has them. */
const holdsBack = "$[*] ? (@.DeletionProtection == true || @.DeletionProtectionEnabled == true)";

/** One header row, then a row for each resource of the service in the environment, cut at what one answer holds. */
export const contextQuery = `
  select h.row from (
    select 0 as place, null::uuid as id, jsonb_build_object(
      'team', (select jsonb_build_object('contact', t.contact) from cairn.teams t where t.team_id = :team),
      'environment', (select jsonb_build_object('tier', e.tier) from cairn.environments e where e.environment = :environment),
      'targets', (select coalesce(jsonb_object_agg(g.provider, g.config), '{}') from cairn.targets g where g.environment = :environment),
      'version', coalesce((select s.version from cairn.service_environments s
        where s.team_id = :team and s.service = :service and s.environment = :environment), 0),
      'key', (select jsonb_build_object('requestHash', k.request_hash, 'response', k.response) from cairn.idempotency_keys k
        where k.team_id = :team and k.key = :key::text and k.created_at > now() - interval '7 days')) as row
    where ctx.team is not null
    union all
    select 1, l.id, jsonb_build_object('resource', l.row, 'total', l.total) from (
      select r.id, r.row, count(*) over () as total, row_number() over (order by r.id) as position,
        sum(octet_length(r.row::text)) over (order by r.id) as bytes
      from (
        select x.id, jsonb_build_object(
          'id', x.id, 'name', x.name, 'type', x.type, 'version', x.version, 'status', x.status, 'deleting', x.deleting,
          'generation', x.generation, 'identifier', x.identifier, 'definitionHash', x.definition_hash,
          'definition', case when :names::text is null or x.name in (select jsonb_array_elements_text(:names::jsonb)) then x.definition end,
          'heldOutside', (:names::text is null or x.name in (select jsonb_array_elements_text(:names::jsonb)))
            and ((x.identifier is not null and x.applied @? '${holdsBack}') or exists (
              select from cairn.operations o
              where o.team_id = x.team_id and o.resource_id = x.id and o.kind = 'apply' and o.status in ('PENDING', 'RUNNING')
                and o.sent_hash is not null and jsonb_build_array(o.definition->'properties') @? '${holdsBack}')),
          'outputKeys', (select coalesce(jsonb_agg(o.key), '[]') from jsonb_object_keys(x.definition->'outputs') o(key)),
          'dependsOn', (select coalesce(jsonb_agg(e.depends_on), '[]') from cairn.resource_dependencies e
            where e.team_id = x.team_id and e.resource_id = x.id),
          'operation', (select jsonb_build_object('id', o.id, 'kind', o.kind, 'status', o.status) from cairn.operations o
            where o.team_id = x.team_id and o.id = x.operation_id)) as row
        from cairn.resources x
        where ctx.team is not null and x.team_id = :team and x.service = :service and x.environment = :environment
          and x.status <> 'DELETED' and (:after::uuid is null or x.id > :after::uuid)
      ) r
    ) l
    where l.position = 1 or l.bytes <= ${pageBytes}
  ) h order by h.place, h.id`;

export const intentById = `
  select jsonb_build_object('id', x.id, 'action', x.action, 'team', x.team_id, 'service', x.service, 'environment', x.environment,
    'decision', jsonb_build_object('id', x.decision_id, 'warnings', x.warnings),
    'parts', (
      select coalesce(jsonb_agg(jsonb_build_object('id', p.resource_id, 'name', p.name, 'type', p.type, 'kind', o.kind,
        'status', o.status) order by p.name), '[]')
      from cairn.intent_resources p left join cairn.operations o on o.team_id = p.team_id and o.id = p.operation_id
      where p.team_id = x.team_id and p.intent_id = x.id)) as row
  from cairn.intents x where ctx.team is not null and x.id = :id::uuid`;

type Part = { id: string; name: string; type: string; kind: OperationKind | null; status: OperationStatus | null };
type IntentRow = Omit<IntentView, "status" | "resources"> & { parts: Part[] };

export function intentQueries(databases: ScopedDatabases, graceSeconds: number) {
  return {
    async intentContext(
      scope: Scope,
      asked: { team: string; service: string; environment: string; names: string[] | null; key: string | null },
    ): Promise<IntentContext> {
      const parameters = { ...asked, names: asked.names === null ? null : JSON.stringify(asked.names) };
      const resources: ContextResource[] = [];
      let first: JsonObject | undefined;
      // One round trip, but for a service whose definitions together pass 500 kB. The version is the first one's, so that what
      // changed while the others were read is a conflict.
      for (;;) {
        const after = resources.at(-1)?.id ?? null;
        const [header, ...rows] = await scopedRows<JsonObject>(databases, scope, contextQuery, {
          ...parameters,
          after,
        });
        first ??= header;
        const page = rows as unknown as { resource: ContextResource; total: number }[];
        resources.push(...page.map(({ resource }) => resource));
        if ((page[0]?.total ?? 0) <= page.length)
          return { ...(first as unknown as Omit<IntentContext, "resources">), resources };
      }
    },

    async acceptIntent(acceptance: Acceptance): Promise<AcceptResult> {
      const { scope, ...payload } = acceptance;
      const [result] = await databaseFor(databases, scope).rows<AcceptResult>(
        "select cairn.accept_intent(:payload::jsonb, :grace)",
        {
          payload: JSON.stringify({ ...payload, scope: teamOf(scope) }),
          grace: graceSeconds,
        },
      );
      return result as AcceptResult;
    },

    async recordDenial({
      scope,
      ...denial
    }: Pick<Acceptance, "scope" | "caller" | "intent" | "decision">): Promise<void> {
      await databaseFor(databases, scope).rows("select 'true'::jsonb from cairn.record_denial(:payload::jsonb)", {
        payload: JSON.stringify({ ...denial, scope: teamOf(scope) }),
      });
    },

    async intent(scope: Scope, id: string): Promise<IntentView | null> {
      const [row] = await scopedRows<IntentRow>(databases, scope, intentById, { id });
      return row === undefined ? null : toView(row);
    },
  };
}

function toView({ parts, ...intent }: IntentRow): IntentView {
  const resources = parts.map(({ id, name, type, kind, status }) => ({
    id,
    name,
    type,
    status: partStatus(intent.action, kind, status),
  }));
  const statuses = resources.map(({ status }) => (status === "DELETING" ? "SYNCING" : status) as IntentStatus);
  return { ...intent, status: intentStatus(intent.action, statuses), resources };
}

function partStatus(
  action: "apply" | "delete",
  kind: OperationKind | null,
  status: OperationStatus | null,
): IntentStatus | "DELETING" {
  switch (status) {
    case null:
    case "SUCCEEDED":
      return action === "delete" ? "DELETED" : "READY";
    case "RUNNING":
      return kind === "delete" ? "DELETING" : "SYNCING";
    case "WAITING":
    case "PENDING":
      return "PENDING";
    default:
      return status;
  }
}
