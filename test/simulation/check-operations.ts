import type { Sides } from "./sides.ts";
import { type Change, openStatuses, type State, short } from "./state.ts";
import type { AuditRow, OperationRow, ResourceRow } from "./written.ts";

/** Attempts that may fail before a person is asked (law F13). */
const maxAttempts = 5;

/** What may become of operations and resources in one transaction: I2, I4, I8, F2, F13. */
export function checkOperations(state: State, sides: Sides) {
  const { report, operations, resources } = state;

  function operation({ was: old, is: now }: Change<OperationRow>, audit: readonly AuditRow[]): void {
    const name = short(now.id);
    if (now.attempts > maxAttempts) report("F13", `${name} makes attempt ${now.attempts}`);
    if (old === undefined) return;
    if (now.epoch < old.epoch) report("I4", `the epoch of ${name} fell`);
    if (["SUCCEEDED", "SUPERSEDED"].includes(old.status) && old.status !== now.status)
      report("I4", `${name} was ${old.status} and is ${now.status}`);
    if (now.attempt !== old.attempt && sides.running(old.token))
      report("F2", `the attempt of ${name} rose while its request still runs`);
    if ((now.attempt === old.attempt) !== (now.token === old.token))
      report(
        "F2",
        `${name} has ${now.token === old.token ? "the same token for another" : "another token for the same"} attempt`,
      );
    // What is abandoned is the resource, and all that is open of it.
    const audited = ({ operation: id, resource: of }: AuditRow) =>
      id === now.id || (id === null && of === now.resource);
    if (old.status !== now.status && !openStatuses.has(now.status) && !audit.some(audited))
      report("I8", `operation ${name} became ${now.status} without an audit entry`);
  }

  function resource({ was: old, is: now }: Change<ResourceRow>, audit: readonly AuditRow[]): void {
    if (old?.status !== now.status && !audit.some((entry) => entry.resource === now.id)) {
      report("I8", `resource ${now.name} became ${now.status} without an audit entry`);
    }
    if (old !== undefined && now.generation < old.generation) report("I4", `the generation of ${now.name} fell`);
    if (old?.status === "DELETED" && now.status !== "DELETED")
      report("I4", `${now.name} was DELETED and is ${now.status}`);
  }

  /** A worker whose epoch or status has passed wrote nothing. */
  function fenced(label: string, parameters: { [name: string]: unknown }, before: OperationRow | undefined): void {
    if (before === undefined || typeof parameters.epoch !== "number") return;
    const stale = before.epoch !== parameters.epoch || (label !== "claim_operation" && before.status !== "RUNNING");
    if (!stale) return;
    report(
      "I4",
      `${label} under epoch ${parameters.epoch} wrote, while the operation is ${before.status} at epoch ${before.epoch}`,
    );
  }

  function afterwards(): void {
    for (const { name, status, operation: id, generation } of resources.all) {
      const current = operations.byId.get(id);
      if (current === undefined) report("I2", `${name} has no operation`);
      else if (status === "READY" && (current.status !== "SUCCEEDED" || current.generation !== generation)) {
        report(
          "I4",
          `${name} is READY, and its operation is ${current.status} of generation ${current.generation}/${generation}`,
        );
      }
    }
    const asking = new Set<string>();
    for (const { resource: id, status, used } of operations.all) {
      if (!used || !openStatuses.has(status)) continue;
      if (asking.has(id))
        report("I1", `two operations of one resource (${short(id)}) have asked the provider and are open`);
      asking.add(id);
    }
  }

  return { operation, resource, fenced, afterwards };
}
