import type { Scope } from "../core/caller.ts";
import type { Resource, ResourceEvent } from "../core/resource.ts";
import type { Page, PageRequest, ResourceFilter } from "../core/store.ts";
import type { SqlParameters } from "./data-api.ts";
import { eventMessage, type StoredEvent } from "./event-message.ts";
import { type ScopedDatabases, scopedPage, scopedRows } from "./scoped.ts";

const resourceRow = `json_build_object(
  'id', x.id, 'team', x.team_id, 'service', x.service, 'environment', x.environment, 'name', x.name,
  'type', x.type, 'version', x.version, 'class', x.definition->'class', 'parameters', x.definition->'parameters',
  'overrides', x.definition->'overrides', 'provider', x.provider, 'status', x.status, 'generation', x.generation,
  'outputs', x.outputs, 'reason', x.reason,
  'external', case when x.identifier is null then null else json_build_object('identifier', x.identifier) end,
  'createdAt', cairn.iso(x.created_at), 'updatedAt', cairn.iso(x.updated_at))`;

export const resourceById = `select ${resourceRow} as row from cairn.resources x where ctx.team is not null and x.id = :id::uuid`;

/** Only the conditions that were asked for are in the text, so that each shape gets a plan of its own. */
export function resourceList(filter: ResourceFilter, page: PageRequest): { list: string; parameters: SqlParameters } {
  const conditions = ["ctx.team is not null", ...(filter.status === undefined ? ["x.status <> 'DELETED'"] : [])];
  const parameters: SqlParameters = {};
  const columns = {
    team: "x.team_id",
    service: "x.service",
    environment: "x.environment",
    type: "x.type",
    status: "x.status",
  };
  for (const [field, column] of Object.entries(columns)) {
    const value = filter[field as keyof ResourceFilter];
    if (value === undefined) continue;
    conditions.push(`${column} = :${field}`);
    parameters[field] = value;
  }
  if (page.cursor !== null) conditions.push("x.id > :cursor::uuid");
  else conditions.push(":cursor::text is null");
  const list = `
    select x.id::text as key, ${resourceRow} as row from cairn.resources x
    where ${conditions.join(" and ")} order by x.id limit :limit`;
  return { list, parameters };
}

/**
 * The timeline, oldest first. A resource whose events are all past their retention, or before the cursor, is one row without a
 * key; no row at all: the scope has no such resource.
 */
export const eventList = `
  select a.id::text as key, case when a.id is not null then json_build_object('id', a.id, 'at', cairn.iso(a.at),
    'event', a.event, 'actor', a.actor, 'detail', a.detail) end as row
  from cairn.resources x left join lateral (
    select l.* from cairn.audit_log l
    where l.team_id = x.team_id and l.resource_id = x.id and (:cursor::uuid is null or l.id > :cursor::uuid)
    order by l.id limit :limit) a on true
  where ctx.team is not null and x.id = :id::uuid
  order by a.id`;

export function resourceQueries(databases: ScopedDatabases) {
  return {
    async resource(scope: Scope, id: string): Promise<Resource | null> {
      return (await scopedRows<Resource>(databases, scope, resourceById, { id }))[0] ?? null;
    },
    resources(scope: Scope, filter: ResourceFilter, page: PageRequest): Promise<Page<Resource>> {
      const { list, parameters } = resourceList(filter, page);
      return scopedPage(databases, scope, list, parameters, page);
    },
    async resourceEvents(scope: Scope, id: string, page: PageRequest): Promise<Page<ResourceEvent> | null> {
      const found = await scopedPage<StoredEvent | null>(databases, scope, eventList, { id }, page);
      if (found.items.length === 0) return null;
      const events = found.items.filter((event) => event !== null);
      return { ...found, items: events.map((event) => ({ ...event, message: eventMessage(event) })) };
    },
  };
}
