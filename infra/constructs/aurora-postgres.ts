import { type AuroraPostgresEngineVersion, DatabaseClusterEngine } from "aws-cdk-lib/aws-rds";
import { engineVersions } from "../stages/aurora.ts";

/** @param version that a stage was allowed to name */
export function auroraPostgres(version: string) {
  return DatabaseClusterEngine.auroraPostgres({ version: engineVersions.get(version) as AuroraPostgresEngineVersion });
}
