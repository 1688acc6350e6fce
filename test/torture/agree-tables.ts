import { createHash } from "node:crypto";
import type { Check } from "./party.ts";
import type { AuditRow } from "./tables.ts";
import { tamperingToken } from "./tampering.ts";

/** I7: every change that reached the cloud bears a token of an operation that was decided, of its kind and of an attempt it had. */
export const onlyAskedAsDecided: Check = function* ({ evidence }) {
  const tokens = new Map<string, string>();
  for (const { id, resource, generation, kind, attempt, bound } of evidence.tables.operations) {
    for (let nth = 1; nth <= attempt; nth++) tokens.set(tokenOf(resource, generation, kind, nth), kind);
    if (bound === false)
      yield { law: "I7", what: `operation ${id} of ${resource} asked a provider without a decision that allows it` };
  }
  for (const { operation, clientToken, result, at } of evidence.calls) {
    if (clientToken === null || clientToken.startsWith(tamperingToken)) continue;
    const kind = tokens.get(clientToken);
    if (kind !== (operation === "DeleteResource" ? "delete" : "apply"))
      yield { law: "I7", what: `${operation} at ${at} (${result}) bears a token of ${kind ?? "no"} operation` };
  }
};

/** I8: each intent, each generation and each operation's end stands in the audit log, and stands there once. */
export const auditIsComplete: Check = function* ({ records, evidence }) {
  const { audit, operations, resources } = evidence.tables;
  const ends = countsOf(audit.operations, ({ subject, event }) => `${subject} ${event}`);
  for (const { id, status, kind } of operations) {
    const times = (event: string) => ends.get(`${id} operation.${event}`) ?? 0;
    const told = {
      SUCCEEDED: times(kind === "delete" ? "deleted" : "ready"),
      SUPERSEDED: times("superseded"),
      // It may have been tried again since, so a failure does not stand alone; without one nothing has FAILED.
      FAILED: Math.min(1, times("failed") + times("blocked")),
    };
    for (const [end, count] of Object.entries(told)) {
      const right = end === status ? count === 1 : end === "FAILED" || count === 0;
      if (!right) yield { law: "I8", what: `operation ${id} is ${status}, and ${count} entries say ${end}` };
    }
  }
  const generations = countsOf(audit.generations, ({ subject }) => subject);
  for (const { id, generation } of resources) {
    for (let nth = 1; nth <= generation; nth++) {
      const count = generations.get(`${id} ${nth}`) ?? 0;
      if (count !== 1) yield { law: "I8", what: `generation ${nth} of ${id} has ${count} entries` };
    }
  }
  const intents = countsOf(audit.intents, ({ subject }) => subject);
  for (const { view } of records.flatMap(({ accepted }) => accepted)) {
    const count = intents.get(view.id) ?? 0;
    if (count !== 1) yield { law: "I8", what: `intent ${view.id} has ${count} entries` };
  }
};

/** As the store derives it. */
export function tokenOf(resource: string, generation: number, kind: string, attempt: number): string {
  return createHash("sha256").update(`${resource}:${generation}:${kind}:${attempt}`).digest("hex");
}

function countsOf(rows: readonly AuditRow[], keyOf: (row: AuditRow) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + row.count);
  return counts;
}
