import { readStage } from "../../infra/stages/read-stage.ts";
import { parseStage, type Stage } from "../../infra/stages/stage.ts";

/** Where the emulator says it is. */
export const region = "eu-central-1";
export const accountId = "000000000000";
export const audience = "cairn";
/** The emulator's root: what it does for these is not asked of any policy. */
export const root = { accessKeyId: "test", secretAccessKey: "test" };

export const stageName = "emulated";

/** Whose role takes on that of the stage's one machine. */
export const pipeline = "pipeline";

/** The one cluster there is: the store's, and the tenants' as well. */
export const clusterArn = `arn:aws:rds:${region}:${accountId}:cluster:cairn-${stageName}`;
export const tenantsDatabase = "cairn_tenants";

export type AppOptions = {
  issuer: string;
  tenants: Tenants;
  /** Of what is deployed: another one is new code in every function, and another version in the contract. */
  release: string;
  /** A migration that this release has besides the others. */
  migration?: { name: string; script: string };
  /** The store may be taken down. */
  unprotected?: boolean;
};
export type Tenants = { adminSecretArn: string; host: string; port: number };

/** Production as it ships, in the emulator's account, with a target in the same one and rules at their fastest. */
export function deployedStage({ issuer, tenants, unprotected = false }: AppOptions): Stage {
  const production = readStage("production");
  return parseStage("test/deploy/place.ts", {
    ...production,
    store: { ...production.store, deletionProtection: !unprotected },
    name: stageName,
    account: accountId,
    region,
    tokens: {
      issuer,
      audience: [audience],
      claims: { team: "team", role: "role" },
      platformSubjects: ["first-user"],
    },
    machineCallers: [
      { name: "ci", trusts: [`arn:aws:iam::${accountId}:role/${pipeline}`], role: "developer", team: "payments" },
    ],
    schedules: { sweepMinutes: 1, driftMinutes: 1 },
    driftIntervalSeconds: 300,
    targets: [
      {
        name: "shared",
        account: accountId,
        region,
        environments: ["development", "staging"],
        externalId: "made-up-for-shared-01",
        requestsPerSecond: null,
        values: {
          subnetIds: ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5a60719"],
          cacheSecurityGroupIds: ["sg-0b1c2d3e4f5a60719"],
          kafkaClusterArn: `arn:aws:kafka:${region}:${accountId}:cluster/shared/11111111-2222-4333-8444-555555555555-1`,
        },
        tenants: {
          cluster: "existing",
          environments: ["development", "staging"],
          clusterArn,
          database: tenantsDatabase,
          ...tenants,
        },
      },
    ],
  });
}

export type Outputs = { [stack: string]: { [output: string]: string } };
export const control = `CairnControl-${stageName}`;
export const stacks = [`CairnStore-${stageName}`, `CairnTarget-${stageName}-shared`, control];

/**
 * Where the emulator serves an API. The address it gives as AWS does, `https://ID.execute-api.localhost:PORT`,
 * is in no name server.
 */
export function apiOf(endpoint: string, outputs: Outputs, output: "ApiUrl" | "MachineApiUrl"): string {
  const id = new URL(outputs[control]?.[output] ?? "").hostname.split(".")[0];
  return `${endpoint}/_aws/execute-api/${id}/$default`;
}
