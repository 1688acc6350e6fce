import { z } from "zod";
import { capacity, engineVersion, minIsNotAboveMax } from "./aurora.ts";
import { closed } from "./closed.ts";

/** A sleeping store is woken by every run of a rule, and falls asleep 5 minutes after the last one's connection. */
const slowestThatSleeps = 15;

export const storeSchema = closed({
  engineVersion,
  /** 0: it sleeps when nobody asks, and the first call after that takes 15 s. */
  minCapacity: capacity.min(0),
  maxCapacity: capacity.min(1),
  /** A second instance in another zone takes over in half a minute; without it Aurora makes one in about ten. */
  standby: z.boolean(),
  backupDays: z.int().min(1).max(35),
  deletionProtection: z.boolean(),
}).check(minIsNotAboveMax);

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
