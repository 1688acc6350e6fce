import type { Fixed } from "./bill.ts";

/** Of the production stage with one target. `test/scripts/cost.test.ts` counts them in the synthesized app. */
export const fixed: Fixed = { secrets: 4, keys: 1, alarms: 17, dashboards: 1, metrics: 9 };
