import type { Json } from "./json.ts";

/** One property found to differ from what was asked for. `pointer` goes into the provider's properties. */
export type Finding = {
  id: string;
  resource: { id: string; team: string; service: string; environment: string; name: string; type: string };
  pointer: string;
  expected: Json;
  actual: Json;
  detectedAt: string;
  resolvedAt: string | null;
};

/** One run of the drift machine, counted over what the caller may see. */
export type DriftReport = {
  id: string;
  status: "RUNNING" | "DONE";
  /** The one resource that a verify asked for, or null for the scheduled look at everything that was due. */
  resourceId: string | null;
  startedAt: string;
  finishedAt: string | null;
  /** How many resources were looked at, how many could not be seen, and how many findings stood at the end. */
  checked: number;
  unreadable: number;
  findings: number;
  /** Targets of which so much was not found that none of it is believed (law F15); empty while the run goes on. */
  halted: HaltedTarget[];
};

/** Counted over what the caller may see, of what the run looked at there. */
export type HaltedTarget = { environment: string; provider: string; looked: number; missing: number };
