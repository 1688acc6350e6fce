import type { Stage } from "./stage.ts";

export const development: Stage = {
  name: "development",
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
  requests: { perSecond: 20, burst: 40 },
  store: {
    engineVersion: "17.7",
    minCapacity: 0,
    maxCapacity: 2,
    standby: false,
    backupDays: 7,
    deletionProtection: false,
  },
  // Slow enough for the store to sleep between two runs: what lost its execution is taken over within two hours, not two
  // minutes. For both, say minCapacity 0.5 and sweepMinutes 1.
  schedules: { sweepMinutes: 60, driftMinutes: 60 },
  driftIntervalSeconds: 21_600,
  reserveConcurrency: false,
  logDays: 14,
  rotationDays: 30,
  alarmAddresses: [],
  runbook: "docs/runbook.md",
  targets: [],
};
