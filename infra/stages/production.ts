import type { Stage } from "./stage.ts";

export const production: Stage = {
  name: "production",
  account: null,
  region: "eu-west-1",
  tokens: {
    issuer: "https://login.example.com/", // set to your identity provider before deploying
    audience: ["cairn"],
    claims: { team: "team", role: "role" },
    platformSubjects: [],
  },
  machineCallers: [],
  domain: null,
  requests: { perSecond: 200, burst: 400 },
  store: {
    engineVersion: "17.7",
    minCapacity: 1,
    maxCapacity: 16,
    standby: true,
    backupDays: 35,
    deletionProtection: true,
  },
  schedules: { sweepMinutes: 1, driftMinutes: 15 },
  driftIntervalSeconds: 3600,
  reserveConcurrency: true,
  logDays: 90,
  rotationDays: 30,
  alarmAddresses: [],
  runbook: "docs/runbook.md",
  targets: [],
};
