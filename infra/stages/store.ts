import { AuroraPostgresEngineVersion } from "aws-cdk-lib/aws-rds";
import { z } from "zod";
import { closed } from "./closed.ts";

/** Aurora's PostgreSQL 17, as the CDK knows them: `17.7`. Local development and the SQL are 17 too. */
export const engineVersions: ReadonlyMap<string, AuroraPostgresEngineVersion> = new Map(
  Object.entries(AuroraPostgresEngineVersion as unknown as { [member: string]: AuroraPostgresEngineVersion })
    .filter(([member]) => /^VER_17_\d+$/.test(member))
    .map(([, version]) => [version.auroraPostgresFullVersion, version]),
);

/** A sleeping store is woken by every run of a rule, and falls asleep 5 minutes after the last one's connection. */
const slowestThatSleeps = 15;

const capacity = z.number().max(256).multipleOf(0.5, "must be in steps of 0.5");

export const storeSchema = closed({
  engineVersion: z.string().refine((version) => engineVersions.has(version), {
    error: ({ input }) =>
      `Aurora has no PostgreSQL ${String(input)}; there are ${[...engineVersions.keys()].join(", ")}`,
  }),
  /** Aurora capacity units, 2 GiB of memory each. 0: it sleeps when nobody asks, and the first call then takes 15 s. */
  minCapacity: capacity.min(0),
  maxCapacity: capacity.min(1),
  /** A second instance in another zone takes over in half a minute; without it Aurora makes one in about ten. */
  standby: z.boolean(),
  backupDays: z.int().min(1).max(35),
  deletionProtection: z.boolean(),
}).refine(({ minCapacity, maxCapacity }) => minCapacity <= maxCapacity, {
  path: ["minCapacity"],
  error: "must not be above maxCapacity",
});

type Slept = { store: z.infer<typeof storeSchema>; schedules: { sweepMinutes: number; driftMinutes: number } };

/** Paying for a store that never sleeps while the file says it does would be found out by the bill. */
export function mayNotSleep({ value: { store, schedules }, issues }: z.core.ParsePayload<Slept>): void {
  if (store.minCapacity > 0) return;
  for (const key of ["sweepMinutes", "driftMinutes"] as const) {
    if (schedules[key] >= slowestThatSleeps) continue;
    issues.push({
      code: "custom",
      path: ["schedules", key],
      input: schedules[key],
      message: `must be at least ${slowestThatSleeps} while store.minCapacity is 0, or the store never sleeps`,
    });
  }
}
