import { fileURLToPath } from "node:url";
import { z } from "zod";
import { migrate } from "../database/migrate.ts";
import { ensureRole } from "../database/roles.ts";
import { putTargets } from "../database/targets.ts";
import { log } from "./log.ts";
import { migrationsFolder, storeDatabase, storeSecret } from "./runtime.ts";
import { task } from "./task.ts";

const database = storeDatabase("owner");
const target = z.object({ environment: z.string(), provider: z.string(), config: z.record(z.string(), z.json()) });
/** A deployment's trigger sends nothing; targets that cannot be read end it, rather than being left out. */
const input = z.object({ targets: z.array(target).default([]) }).nullish();

/** Roles first, because migrations grant to them; then the schema; then the platform team's targets. */
export const handler = task("migrate", input, async (asked) => {
  const targets = asked?.targets ?? [];
  for (const role of ["api", "platform", "worker"] as const) {
    const { username, password } = await storeSecret(role);
    await ensureRole(database, username, password);
  }
  const applied = await migrate(database, fileURLToPath(migrationsFolder));
  await putTargets(database, targets);
  log("info", "migrated", { applied, targets: targets.length });
  return { applied };
});
