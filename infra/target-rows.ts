import { type TargetUse, targetRoleArn, tenantsCluster } from "./fixed-names.ts";
import type { Stage } from "./stages/stage.ts";
import type { Target } from "./stages/target.ts";

export type TargetRow = {
  environment: string;
  provider: "aws" | "postgres";
  config: { [key: string]: unknown };
  /** A cluster that is made with the target: its address and its admin's secret are known when it is there. */
  cluster?: string;
};

/** The stage's targets as `functions/migrate.ts` writes them into the store, one for each environment and provider. */
export function targetRows(stage: Stage): TargetRow[] {
  return stage.targets.flatMap((target) => [...awsRows(stage, target), ...postgresRows(stage, target)]);
}

function awsRows(stage: Stage, target: Target): TargetRow[] {
  const { account: accountId, requestsPerSecond, values, environments } = target;
  const rate = requestsPerSecond === null ? {} : { requestsPerSecond };
  const config = { ...values, ...rate, accountId, ...accessTo(stage, target, "change", "look") };
  return environments.map((environment) => ({ environment, provider: "aws", config }));
}

function postgresRows(stage: Stage, target: Target): TargetRow[] {
  if (target.tenants === null) return [];
  const { environments, ...tenants } = target.tenants;
  const access = accessTo(stage, target, "tenants", "tenants-look");
  const place =
    tenants.cluster === "new"
      ? { config: { database: tenants.database, ...access }, cluster: tenantsCluster(stage, target) }
      : { config: { ...withoutCluster(tenants), ...access } };
  return environments.map((environment) => ({ environment, provider: "postgres", ...place }));
}

function accessTo(stage: Stage, target: Target, change: TargetUse, look: TargetUse) {
  const { region, externalId } = target;
  const roleArn = targetRoleArn(stage, target, change);
  return { region, roleArn, lookRoleArn: targetRoleArn(stage, target, look), externalId };
}

function withoutCluster<Tenants extends { cluster: string }>({ cluster: _, ...config }: Tenants) {
  return config;
}
