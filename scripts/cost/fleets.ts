import type { Fleet } from "./bill.ts";

/** The sizes of docs/cost.md. Capacity is an assumption until a load test on Aurora replaces it. */
export const fleets: readonly Fleet[] = [
  {
    ...{ name: "idle", developers: 0, resources: 0, changesADay: 0, readsADay: 0 },
    ...{ driftIntervalSeconds: 3600, capacity: 2, storageGb: 1 },
  },
  {
    ...{ name: "1,000 developers", developers: 1_000, resources: 100_000, changesADay: 10_000, readsADay: 500_000 },
    ...{ driftIntervalSeconds: 21_600, capacity: 4, storageGb: 100 },
  },
  {
    ...{
      name: "10,000 developers",
      developers: 10_000,
      resources: 1_000_000,
      changesADay: 100_000,
      readsADay: 5_000_000,
    },
    ...{ driftIntervalSeconds: 86_400, capacity: 24, storageGb: 5_000 },
  },
];
