import { AuroraPostgresEngineVersion } from "aws-cdk-lib/aws-rds";
import { z } from "zod";

/** Aurora's PostgreSQL 17, as the CDK knows them: `17.7`. Local development and the SQL are 17 too. */
export const engineVersions: ReadonlyMap<string, AuroraPostgresEngineVersion> = new Map(
  Object.entries(AuroraPostgresEngineVersion as unknown as { [member: string]: AuroraPostgresEngineVersion })
    .filter(([member]) => /^VER_17_\d+$/.test(member))
    .map(([, version]) => [version.auroraPostgresFullVersion, version]),
);

export const engineVersion = z.string().refine((version) => engineVersions.has(version), {
  error: ({ input }) => `Aurora has no PostgreSQL ${String(input)}; there are ${[...engineVersions.keys()].join(", ")}`,
});

/** Aurora capacity units, 2 GiB of memory each. */
export const capacity = z.number().max(256).multipleOf(0.5, "must be in steps of 0.5");

type Range = { minCapacity: number; maxCapacity: number };

export function minIsNotAboveMax({ value, issues }: z.core.ParsePayload<Range>): void {
  if (value.minCapacity <= value.maxCapacity) return;
  const message = `must not be above maxCapacity, which is ${value.maxCapacity}`;
  issues.push({ code: "custom", path: ["minCapacity"], input: value.minCapacity, message });
}
