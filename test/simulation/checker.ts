import type { AcceptOutcome } from "../../control/accept-intent.ts";
import { hashOf, type Json, sameJson } from "../../core/json.ts";
import type { SqlParameters } from "../../database/data-api.ts";
import type { SimCloud } from "./cloud.ts";
import type { AuditRow, OperationRow, ResourceRow, Written } from "./store.ts";
import type { Violation } from "./violation.ts";
import type { ApiRequest } from "./world.ts";

export type Checker = ReturnType<typeof createChecker>;

const openStatuses = new Set(["PENDING", "RUNNING", "WAITING"]);

/** Looks at what each statement has written, and at the cloud after each call: invariants that hold always. */
export function createChecker(cloud: SimCloud, trace: (line: string) => void) {
  const violations: Violation[] = [];
  const answers = new Map<string, { request: ApiRequest; id: string }>();
  /** Every token that was ever committed as about to be used, and the hash of the values it was committed with. */
  const committed = new Map<string, { operation: string; sent: Set<string> }>();
  let before: Written = { operations: [], resources: [], audit: [] };
  let checkedCalls = 0;

  const report = (law: string, what: string) => {
    trace(`VIOLATION ${law}: ${what}`);
    violations.push({ law, what });
  };

  function afterStatement(label: string, parameters: SqlParameters, written: Written | null): void {
    if (written === null) return;
    const after = {
      operations: merged(before.operations, written.operations),
      resources: merged(before.resources, written.resources),
      audit: written.audit,
    };
    const changes = changesBetween(before, after);
    for (const { text } of changes) trace(`    ${text}`);

    const holder =
      typeof parameters.epoch === "number"
        ? before.operations.find(({ id }) => id === parameters.operation)
        : undefined;
    if (holder !== undefined) {
      const stale = holder.epoch !== parameters.epoch || (label !== "claim_operation" && holder.status !== "RUNNING");
      if (stale && changes.length + after.audit.length > 0) {
        report(
          "I4",
          `${label} under epoch ${parameters.epoch} wrote, while the operation is ${holder.status} at epoch ${holder.epoch}`,
        );
      }
    }
    for (const change of changes) checkChange(change, after);
    checkState(after);
    before = after;
  }

  function checkChange({ was, is, table }: Change, after: Written): void {
    if (table === "operations") {
      const [old, now] = [was as OperationRow | undefined, is as OperationRow];
      if (now.used) remember(now);
      if (old === undefined) return;
      if (now.epoch < old.epoch) report("I4", `the epoch of ${short(now.id)} fell`);
      if (["SUCCEEDED", "SUPERSEDED"].includes(old.status) && old.status !== now.status)
        report("I4", `${short(now.id)} was ${old.status} and is ${now.status}`);
      if (now.attempt !== old.attempt && cloud.running(old.token))
        report("F2", `the attempt of ${short(now.id)} rose while its request still runs`);
      if (now.attempt === old.attempt && now.token !== old.token)
        report("F2", `${short(now.id)} has another token for the same attempt`);
      if (now.attempt !== old.attempt && now.token === old.token)
        report("F2", `${short(now.id)} has the same token for another attempt`);
      if (old.status !== now.status && !openStatuses.has(now.status) && !audited(after.audit, now))
        report("I8", `operation ${short(now.id)} became ${now.status} without an audit entry`);
      return;
    }
    const [old, now] = [was as ResourceRow | undefined, is as ResourceRow];
    if (old?.status !== now.status && !after.audit.some(({ resource }) => resource === now.id)) {
      report("I8", `resource ${now.name} became ${now.status} without an audit entry`);
    }
    if (old !== undefined && now.generation < old.generation) report("I4", `the generation of ${now.name} fell`);
    if (old?.status === "DELETED" && now.status !== "DELETED")
      report("I4", `${now.name} was DELETED and is ${now.status}`);
  }

  function remember({ token, id, sent }: OperationRow): void {
    const known = committed.get(token) ?? { operation: id, sent: new Set() };
    if (sent !== null) known.sent.add(sent);
    committed.set(token, known);
  }

  function checkState({ operations, resources }: Written): void {
    const byId = new Map(operations.map((operation) => [operation.id, operation]));
    for (const { name, status, operation, generation } of resources) {
      const current = byId.get(operation);
      if (current === undefined) report("I2", `${name} has no operation`);
      else if (status === "READY" && (current.status !== "SUCCEEDED" || current.generation !== generation)) {
        report(
          "I4",
          `${name} is READY, and its operation is ${current.status} of generation ${current.generation}/${generation}`,
        );
      }
    }
    const asking = operations
      .filter(({ status, used }) => used && openStatuses.has(status))
      .map(({ resource }) => resource);
    const twice = asking.find((resource, index) => asking.indexOf(resource) !== index);
    if (twice !== undefined)
      report("I1", `two operations of one resource (${short(twice)}) have asked the provider and are open`);
  }

  function afterCall(): void {
    const living = new Set<string>();
    for (const { owner, deletedAt, identifier } of cloud.objects) {
      if (deletedAt !== null) continue;
      if (living.has(owner)) report("I1", `two objects of resource ${short(owner)} live, one of them ${identifier}`);
      living.add(owner);
    }
    for (; checkedCalls < cloud.calls.length; checkedCalls++) {
      const call = cloud.calls[checkedCalls];
      if (call?.token == null) continue;
      if (call.command === "DeleteResourceCommand") checkOrder(call.identifier);
      const known = committed.get(call.token);
      if (known === undefined) report("I7", `${call.command} under a token that was not committed before`);
      else if (call.desired !== null && !known.sent.has(hashOf(call.desired as Json))) {
        report("I7", `${call.command} with other values than the operation says`);
      }
    }
  }

  /** What is used is deleted after what uses it, and that is what the cloud knows, whatever any generation says. */
  function checkOrder(identifier: string | null): void {
    const used = cloud.objects.find((one) => one.identifier === identifier);
    const user = cloud.objects.find(
      ({ deletedAt, properties: { Uses } }) =>
        deletedAt === null && (Uses as string[]).some((endpoint) => endpoint.startsWith(`${used?.properties.Name}:`)),
    );
    if (user !== undefined) report("ORDER", `${identifier} is deleted while ${user.identifier} still uses it`);
  }

  function afterAnswer(request: ApiRequest, outcome: AcceptOutcome): void {
    if (outcome.outcome === "busy") return;
    request.answer = outcome;
    if (outcome.outcome === "key-reused") {
      const first = answers.get(request.key)?.request;
      if (first !== undefined && sameJson(first.intent as unknown as Json, request.intent as unknown as Json)) {
        report("I6", `key ${request.key} was refused with the payload it was given for`);
      }
      return;
    }
    if (outcome.outcome !== "accepted") return;
    const first = answers.get(request.key);
    if (first === undefined) answers.set(request.key, { request, id: outcome.intent.id });
    else if (first.id !== outcome.intent.id) report("I6", `key ${request.key} made two intents`);
    else if (!sameJson(first.request.intent as unknown as Json, request.intent as unknown as Json))
      report("I6", `key ${request.key} was answered with another payload`);
    if (before.operations.length > 0 || outcome.intent.resources.length === 0) return;
    report("I2", `intent ${outcome.intent.id} was accepted and is nowhere`);
  }

  return {
    violations,
    report,
    afterStatement,
    afterCall,
    afterAnswer,
    get snapshot() {
      return before;
    },
    get accepted() {
      return [...answers.values()].map(({ id }) => id);
    },
  };
}

function merged<Row extends { id: string }>(rows: Row[], written: Row[]): Row[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const row of written) byId.set(row.id, row);
  return [...byId.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

type Change = {
  table: "operations" | "resources";
  was: OperationRow | ResourceRow | undefined;
  is: OperationRow | ResourceRow;
  text: string;
};

function changesBetween(before: Written, after: Written): Change[] {
  const tables = ["operations", "resources"] as const;
  return tables.flatMap((table) => {
    const old = new Map<string, OperationRow | ResourceRow>(before[table].map((row) => [row.id, row]));
    return after[table].flatMap((is: OperationRow | ResourceRow): Change[] => {
      const was = old.get(is.id);
      if (was !== undefined && JSON.stringify(was) === JSON.stringify(is)) return [];
      return [{ table, was, is, text: described(table, was, is) }];
    });
  });
}

function described(table: string, was: OperationRow | ResourceRow | undefined, is: OperationRow | ResourceRow): string {
  const fields = Object.entries(is).flatMap(([key, value]) => {
    const old = was?.[key as keyof typeof was];
    if (old === value || ["id", "token", "decided", "resource", "operation", "uses"].includes(key)) return [];
    return [
      was === undefined
        ? `${key} ${String(value).slice(0, 12)}`
        : `${key} ${String(old).slice(0, 8)} → ${String(value).slice(0, 8)}`,
    ];
  });
  const what =
    "name" in is ? `resource ${is.name} ${short(is.id)}` : `operation ${short(is.id)} of ${short(is.resource)}`;
  return `${table === "operations" ? "" : ""}${what}: ${fields.join(", ")}`;
}

function audited(audit: AuditRow[], { id }: OperationRow): boolean {
  return audit.some(({ operation }) => operation === id);
}

export function short(id: string): string {
  return id.slice(-4);
}
