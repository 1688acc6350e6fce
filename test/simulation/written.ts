/** What one statement's transaction has written, as its owner sees it. Times in milliseconds since 1970. */
export type Written = {
  operations: OperationRow[];
  resources: ResourceRow[];
  audit: AuditRow[];
  breakers: BreakerRow[];
  budgets: BudgetRow[];
  orphans: OrphanRow[];
};

export type OperationRow = {
  id: string;
  resource: string;
  generation: number;
  kind: "apply" | "delete";
  status: string;
  epoch: number;
  attempt: number;
  /** Attempts since somebody asked for another try. */
  attempts: number;
  token: string;
  used: boolean;
  sent: string | null;
  decided: string;
  target: string;
  service: string;
  gate: "BUDGET" | "BREAKER" | null;
  admittedUntil: number | null;
};
export type ResourceRow = {
  id: string;
  team: string;
  place: string;
  name: string;
  target: string;
  service: string;
  status: string;
  generation: number;
  operation: string;
  deleting: boolean;
  reason: string | null;
  /** Ids of what it uses, as its current generation says or as may be true outside, with spaces between them. */
  uses: string;
};
export type AuditRow = { id: string; event: string; resource: string | null; operation: string | null };
export type BreakerRow = {
  /** `staging/aws Sim::Store` */
  id: string;
  state: "CLOSED" | "OPEN" | "HALF_OPEN";
  retryAt: number | null;
  probe: string | null;
  probeUntil: number | null;
  heldBy: string | null;
};
export type BudgetRow = { id: string; tokens: number; filledAt: number; rate: number };
export type OrphanRow = { id: string; resource: string };

const milliseconds = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint`;
const all = (row: string, from: string, name: string, order = `${name}.id`) =>
  `(select coalesce(jsonb_agg(jsonb_build_object(${row}) order by ${order}), '[]') from ${from} where age(${name}.xmin) <= 0)`;

/**
 * A row of this transaction's own id, or of one of its subtransactions', has an age of nothing. Null where nothing was
 * written. Runs as its owner, so that no role has to be changed after a statement.
 */
export const writtenFunction = `
  create function sim.written() returns jsonb language plpgsql stable security definer as $$ begin
    if pg_current_xact_id_if_assigned() is null then return null; end if;
    return jsonb_build_object(
      'operations', ${all(
        `'id', o.id, 'resource', o.resource_id, 'generation', o.generation, 'kind', o.kind, 'status', o.status,
        'epoch', o.epoch, 'attempt', o.attempt, 'attempts', o.attempt - o.attempts_before, 'token', o.token,
        'used', o.token_used_at is not null, 'sent', o.sent_hash, 'decided', o.decided_hash,
        'target', r.environment || '/' || (o.definition->>'provider'), 'service', cairn.provider_service(o.definition->>'kind'),
        'gate', o.gate, 'admittedUntil', ${milliseconds("o.admitted_until")}`,
        "cairn.operations o join cairn.resources r on r.team_id = o.team_id and r.id = o.resource_id",
        "o",
      )},
      'resources', ${all(
        `'id', r.id, 'team', r.team_id, 'place', concat_ws('/', r.team_id, r.service, r.environment), 'name', r.name,
        'target', r.environment || '/' || r.provider, 'service', cairn.provider_service(r.definition->>'kind'),
        'status', r.status, 'generation', r.generation, 'operation', r.operation_id, 'deleting', r.deleting,
        'reason', r.reason->>'code', 'uses', (select coalesce(string_agg(u.id::text, ' ' order by u.id), '') from (
          select e.depends_on as id from cairn.resource_dependencies e where e.team_id = r.team_id and e.resource_id = r.id
          union select e.depends_on from cairn.outside_dependencies e where e.team_id = r.team_id and e.resource_id = r.id) u)`,
        "cairn.resources r",
        "r",
      )},
      'audit', ${all(`'id', a.id, 'event', a.event, 'resource', a.resource_id, 'operation', a.operation_id`, "cairn.audit_log a", "a")},
      'breakers', ${all(
        `'id', b.environment || '/' || b.provider || ' ' || b.service, 'state', b.state, 'retryAt', ${milliseconds("b.retry_at")},
        'probe', b.probe_operation, 'probeUntil', ${milliseconds("b.probe_until")}, 'heldBy', b.held_by`,
        "cairn.breakers b",
        "b",
        "b.environment, b.provider, b.service",
      )},
      'budgets', ${all(
        `'id', b.environment || '/' || b.provider, 'tokens', b.tokens, 'filledAt', ${milliseconds("b.filled_at")},
        'rate', cairn.target_rate(t.config)`,
        "cairn.target_budgets b join cairn.targets t on t.environment = b.environment and t.provider = b.provider",
        "b",
        "b.environment, b.provider",
      )},
      'orphans', ${all(`'id', x.id, 'resource', x.resource_id`, "cairn.orphans x", "x")});
  end $$;
  grant execute on function sim.written() to public`;

/** The rows as they are after a transaction. */
export class Rows<Row extends { id: string }> {
  readonly byId = new Map<string, Row>();

  get all(): Iterable<Row> {
    return this.byId.values();
  }

  /** @returns each row that differs from what was known, with that */
  merge(written: readonly Row[]): { was: Row | undefined; is: Row }[] {
    return written.flatMap((is) => {
      const was = this.byId.get(is.id);
      this.byId.set(is.id, is);
      return was !== undefined && JSON.stringify(was) === JSON.stringify(is) ? [] : [{ was, is }];
    });
  }
}
