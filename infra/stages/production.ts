import type { Stage } from "./stage.ts";

export const production: Stage = {
  name: "production",
  issuer: "https://login.example.com/", // set to your identity provider before deploying
  audience: ["cairn"],
  store: { minCapacity: 1, maxCapacity: 16, backupDays: 35, deletionProtection: true },
  driftIntervalSeconds: 3600,
  targetAccounts: [],
};
