// Every Lambda function, state machine and schedule of Cairn, as data. `infra` makes AWS resources of it, `local` runs it.
// This file imports nothing: it is read by both.

export type StoreRole = "api" | "platform" | "worker" | "owner";

export type FunctionSpec = {
  /** The module with an export named `handler`. */
  entry: string;
  timeoutSeconds: number;
  memoryMb: number;
  /** Which database secrets it may read: `CAIRN_STORE_SECRET_{ROLE}` in its environment. */
  storeRoles: readonly StoreRole[];
  /** Which state machines it starts, by name: `CAIRN_MACHINE_ARN_PREFIX` and the name make the ARN. */
  starts: readonly MachineName[];
  /** It runs statements in a transaction of several calls. */
  transactions?: true;
  /** Whose secrets it gives new values, one version after the other. */
  rotates?: readonly StoreRole[];
  /** What it may ask of providers; `locate`: where a cluster is that was made with its target, and nothing else. */
  providers: "none" | "locate" | "read" | "write";
  /** Its part of the account's concurrency: as much is kept for it, and no more runs at once. */
  concurrency?: { atMost: number; why: string };
  why: string;
};

export type FunctionName =
  | "api"
  | "claim-operation"
  | "observe-resource"
  | "apply-resource"
  | "release-operation"
  | "start-operations"
  | "sweep"
  | "claim-drift"
  | "observe-drift"
  | "report-drift"
  | "housekeeping"
  | "measure"
  | "migrate"
  | "rotate-secret";

export type MachineName = "reconcile" | "drift";

export const functions: { readonly [name in FunctionName]: FunctionSpec } = {
  api: {
    entry: "functions/api.ts",
    timeoutSeconds: 29,
    memoryMb: 1024,
    storeRoles: ["api", "platform"],
    starts: ["reconcile", "drift"],
    providers: "none",
    concurrency: {
      atMost: 100,
      why: "a flood takes neither the store's 100 connections per role nor the workers' share",
    },
    why: "API Gateway gives up after 30 s; policy and JSON are CPU-bound, and CPU comes with memory",
  },
  "claim-operation": {
    entry: "functions/claim-operation.ts",
    timeoutSeconds: 30,
    memoryMb: 256,
    storeRoles: ["worker"],
    starts: [],
    providers: "none",
    why: "one database call",
  },
  "observe-resource": {
    entry: "functions/observe-resource.ts",
    timeoutSeconds: 60,
    memoryMb: 512,
    storeRoles: ["worker"],
    starts: [],
    providers: "read",
    why: "two database calls around a look at the provider, whose own deadline is half a lease",
  },
  "apply-resource": {
    entry: "functions/apply-resource.ts",
    timeoutSeconds: 60,
    memoryMb: 512,
    storeRoles: ["worker"],
    starts: [],
    providers: "write",
    why: "two database calls around one request to the provider, whose own deadline is half a lease",
  },
  "release-operation": {
    entry: "functions/release-operation.ts",
    timeoutSeconds: 30,
    memoryMb: 256,
    storeRoles: ["worker"],
    starts: [],
    providers: "none",
    why: "one database call, after a step that ended in an error nobody expected",
  },
  "start-operations": {
    entry: "functions/start-operations.ts",
    timeoutSeconds: 60,
    memoryMb: 256,
    storeRoles: [],
    starts: ["reconcile"],
    providers: "none",
    why: "one StartExecution for each operation that became startable, at most 100",
  },
  sweep: {
    entry: "functions/sweep.ts",
    timeoutSeconds: 58,
    memoryMb: 256,
    storeRoles: ["worker"],
    starts: ["reconcile"],
    providers: "none",
    why: "ends before the next minute's run begins",
  },
  "claim-drift": {
    entry: "functions/claim-drift.ts",
    timeoutSeconds: 30,
    memoryMb: 256,
    storeRoles: ["worker"],
    starts: [],
    providers: "none",
    why: "one database call",
  },
  "observe-drift": {
    entry: "functions/observe-drift.ts",
    timeoutSeconds: 300,
    memoryMb: 512,
    storeRoles: ["worker"],
    starts: [],
    providers: "read",
    concurrency: {
      atMost: 10,
      why: "looking for drift leaves connections and a target's calls to those who wait for them",
    },
    why: "a batch of observations within a target's rate",
  },
  "report-drift": {
    entry: "functions/report-drift.ts",
    timeoutSeconds: 30,
    memoryMb: 256,
    storeRoles: ["worker"],
    starts: [],
    providers: "none",
    why: "one database call",
  },
  housekeeping: {
    entry: "functions/housekeeping.ts",
    timeoutSeconds: 300,
    memoryMb: 256,
    storeRoles: ["owner"],
    starts: [],
    providers: "none",
    why: "makes and drops partitions, prunes in bounded batches; DDL needs the owner",
  },
  measure: {
    entry: "functions/measure.ts",
    timeoutSeconds: 30,
    memoryMb: 256,
    storeRoles: ["worker"],
    starts: [],
    providers: "none",
    why: "one database call; a function of its own, because what watches the sweep must not depend on it",
  },
  migrate: {
    entry: "functions/migrate.ts",
    timeoutSeconds: 300,
    memoryMb: 256,
    storeRoles: ["owner", "api", "platform", "worker"],
    transactions: true,
    starts: [],
    providers: "locate",
    why: "runs inside a deployment, before new code serves; asks each target where its shared cluster is",
  },
  "rotate-secret": {
    entry: "functions/rotate-secret.ts",
    timeoutSeconds: 60,
    memoryMb: 256,
    storeRoles: ["owner"],
    rotates: ["owner", "api", "platform", "worker"],
    starts: [],
    providers: "none",
    why: "one step of a rotation: a few calls of Secrets Manager and the store, which may be a moment behind",
  },
};

/** `${function-name}` in a definition stands for that function's ARN, in `infra` and in `local` alike. */
export const machines: { readonly [name in MachineName]: { definition: string; tasks: readonly FunctionName[] } } = {
  reconcile: {
    definition: "statemachines/reconcile.asl.json",
    tasks: ["claim-operation", "observe-resource", "apply-resource", "release-operation", "start-operations"],
  },
  drift: {
    definition: "statemachines/drift.asl.json",
    tasks: ["claim-drift", "observe-drift", "report-drift"],
  },
};

export type ScheduleSpec = {
  rateMinutes: number;
  /** The environment variable that sets the period in seconds on one machine, and its default there. */
  local: { variable: string; seconds: number };
  target: { function: FunctionName } | { machine: MachineName };
  why: string;
};

export const schedules: { readonly [name: string]: ScheduleSpec } = {
  sweep: {
    rateMinutes: 1,
    local: { variable: "CAIRN_SWEEP_SECONDS", seconds: 10 },
    target: { function: "sweep" },
    why: "law I3: what lost its execution is taken over within two periods; a minute is EventBridge's shortest",
  },
  drift: {
    rateMinutes: 15,
    local: { variable: "CAIRN_DRIFT_SECONDS", seconds: 60 },
    target: { machine: "drift" },
    why: "looks at what is due; how often a resource is due is a property of the resource",
  },
  measure: {
    rateMinutes: 1,
    local: { variable: "CAIRN_MEASURE_SECONDS", seconds: 60 },
    target: { function: "measure" },
    why: "an alarm looks once a minute, and takes silence for a failure",
  },
  housekeeping: {
    rateMinutes: 1440,
    local: { variable: "CAIRN_HOUSEKEEPING_SECONDS", seconds: 86_400 },
    target: { function: "housekeeping" },
    why: "partitions are made a month ahead and dropped at the end of their retention",
  },
};
