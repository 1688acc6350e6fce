import type { FunctionName } from "../../functions/manifest.ts";

/**
 * What each piece of work asks of AWS: calls of the Data API, transitions of a state machine, and milliseconds of a function by
 * name. Calls and transitions are counted by `test/budgets`. Milliseconds are assumed: nobody but AWS knows them.
 */
export type Counts = {
  dataApi: number;
  transitions: number;
  milliseconds: { readonly [name in FunctionName]?: number };
};

/** A Data API call, and one to Cloud Control. */
const store = 30;
const cloud = 300;

export const counts = {
  read: { dataApi: 1, transitions: 0, milliseconds: { api: store + 10 } },
  intent: { dataApi: 2, transitions: 0, milliseconds: { api: 2 * store + 40 } },
  /** A change's way to READY, with one wait. */
  change: {
    dataApi: 6,
    transitions: 9,
    milliseconds: {
      "claim-operation": store,
      // Twice: before and after it is asked for.
      "observe-resource": 3 * store + 2 * cloud,
      "apply-resource": 2 * store + cloud,
    },
  },
  /** A batch of looks for drift: claim, choice, observe. */
  driftBatch: {
    dataApi: 3,
    transitions: 3,
    milliseconds: { "claim-drift": store, "observe-drift": 2 * store + 5 * cloud },
  },
  sweep: { dataApi: 1, transitions: 0, milliseconds: { sweep: store } },
  measure: { dataApi: 1, transitions: 0, milliseconds: { measure: store } },
  /** A scheduled run with nothing due: the choice whether it is new, claim, choice, report. */
  driftRun: { dataApi: 2, transitions: 4, milliseconds: { "claim-drift": store, "report-drift": store } },
  housekeeping: { dataApi: 10, transitions: 0, milliseconds: { housekeeping: 10 * store } },
} as const satisfies { readonly [work: string]: Counts };

/** Resources looked at in one batch, of which an observing function has five under way at once. */
export const driftBatchSize = 25;
