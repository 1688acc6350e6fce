import type { Violation } from "./violation.ts";
import {
  type BreakerRow,
  type BudgetRow,
  type OperationRow,
  type OrphanRow,
  type ResourceRow,
  Rows,
} from "./written.ts";

/** What the checker knows of the store after each statement, and where it says what is wrong. */
export function createState(clock: { now: number }, trace: (line: string) => void) {
  const violations: Violation[] = [];
  return {
    clock,
    trace,
    violations,
    operations: new Rows<OperationRow>(),
    resources: new Rows<ResourceRow>(),
    breakers: new Rows<BreakerRow>(),
    budgets: new Rows<BudgetRow>(),
    orphans: new Rows<OrphanRow>(),
    report(law: string, what: string): void {
      trace(`VIOLATION ${law}: ${what}`);
      violations.push({ law, what });
    },
  };
}
export type State = ReturnType<typeof createState>;

export type Change<Row> = { was: Row | undefined; is: Row };

export const openStatuses: ReadonlySet<string> = new Set(["PENDING", "RUNNING", "WAITING"]);

export function short(id: string): string {
  return id.slice(-4);
}
