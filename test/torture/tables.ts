import pg from "pg";
import type { Endpoints } from "../../local/start-machine.ts";

export type OperationRow = {
  id: string;
  resource: string;
  generation: number;
  kind: "apply" | "delete";
  status: string;
  attempt: number;
  /** A provider was asked under it, and a decision allowed just this definition. */
  bound: boolean | null;
};

/** How often each event stands in the audit log. */
export type AuditRow = { subject: string; event: string; count: number };

/** Cairn's tables, read behind its back by the superuser. */
export type Tables = {
  intents: string[];
  keys: { team: string; key: string; intent: string }[];
  resources: { id: string; generation: number }[];
  operations: OperationRow[];
  /** Drift runs that should have been ended for want of an execution: ten minutes, and a while for one after another. */
  lostRuns: string[];
  /** By operation, by resource's generation and by intent. */
  audit: { operations: AuditRow[]; generations: AuditRow[]; intents: AuditRow[] };
};

export async function readTables(endpoints: Endpoints): Promise<Tables> {
  return withStore(endpoints, async (rows) => ({
    intents: (await rows<{ id: string }>("select id from cairn.intents")).map(({ id }) => id),
    keys: await rows("select team_id as team, key, intent_id as intent from cairn.idempotency_keys"),
    resources: await rows("select id, generation::int from cairn.resources"),
    operations: await rows(`select o.id, o.resource_id as resource, o.generation::int, o.kind, o.status,
      o.attempt, case when o.sent_hash is not null
        then coalesce(d.allow and coalesce(d.definition_hashes->>concat_ws(' ', r.name, r.id), d.definition_hashes->>r.name) = o.decided_hash, false) end as bound
      from cairn.operations o
      left join cairn.resources r on r.team_id = o.team_id and r.id = o.resource_id
      left join cairn.decisions d on d.team_id = o.team_id and d.id = o.decision_id`),
    lostRuns: (
      await rows<{ id: string }>(
        "select id from cairn.drift_runs where status = 'RUNNING' and claimed_at < now() - interval '15 minutes'",
      )
    ).map(({ id }) => id),
    audit: {
      operations: await rows(counted("operation_id::text", "event like 'operation.%'")),
      generations: await rows(
        counted(
          "resource_id || ' ' || (detail->>'generation')",
          "event in ('resource.create', 'resource.update', 'resource.delete', 'resource.reapplied')",
        ),
      ),
      intents: await rows(counted("intent_id::text", "event = 'intent.accepted'")),
    },
  }));
}

function counted(subject: string, condition: string): string {
  return `select ${subject} as subject, event, count(*)::int from cairn.audit_log where ${condition} group by 1, 2`;
}

export type OpenOperation = { status: string; kind: string; name: string; reason: string | null; due: string };

/** What is under way or waits. */
export function openOperations(endpoints: Endpoints): Promise<OpenOperation[]> {
  return withStore(endpoints, (rows) =>
    rows(`select o.status, o.kind, r.service || '/' || r.name as name, r.reason->>'message' as reason, o.due_at::text as due
      from cairn.operations o join cairn.resources r on r.team_id = o.team_id and r.id = o.resource_id
      where o.status in ('PENDING', 'RUNNING', 'WAITING') order by o.due_at`),
  );
}

type Rows = <T>(sql: string) => Promise<T[]>;

async function withStore<T>({ postgres }: Endpoints, read: (rows: Rows) => Promise<T>): Promise<T> {
  const url = new URL(postgres);
  url.pathname = "/cairn";
  const session = new pg.Client({ connectionString: url.href });
  session.on("error", () => undefined);
  await session.connect();
  try {
    return await read(async (sql) => (await session.query(sql)).rows);
  } finally {
    await session.end();
  }
}
