import type { Stage } from "./stage.ts";

export const development: Stage = {
  name: "development",
  issuer: "https://login.example.com/", // set to your identity provider before deploying
  audience: ["cairn"],
  // Half a unit is the smallest that never sleeps: a sweep every minute would keep a sleeping store awake anyway.
  store: { minCapacity: 0.5, maxCapacity: 2, backupDays: 7, deletionProtection: false },
  driftIntervalSeconds: 3600,
  targetAccounts: [],
};
