import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import { migrate } from "../database/migrate.ts";
import { ensureLogin } from "../database/roles.ts";
import { putTargets } from "../database/targets.ts";
import { log } from "./log.ts";
import { cloudControlIn, databaseFolder, lookingAt, storeDatabase, storeSecret, targetsFile } from "./runtime.ts";
import { locateTargets, stageTarget } from "./stage-targets.ts";
import { task } from "./task.ts";

const database = storeDatabase("owner");
const ports = { database, cloudControlIn: (target: JsonObject) => cloudControlIn(lookingAt(target), 3), log };
const stageTargets = z.array(stageTarget);
/** A deployment's trigger sends nothing, and its targets lie beside this file; those that cannot be read end it. */
const input = z.object({ targets: stageTargets.optional() }).nullish();

/** Roles first, because migrations grant to them; then the schema; then the platform team's targets. */
export const handler = task("migrate", input, async (asked) => {
  const targets = asked?.targets ?? stageTargets.parse(JSON.parse(readFileSync(targetsFile, "utf8")));
  for (const role of ["api", "platform", "worker"] as const) {
    const { username, password } = await storeSecret(role);
    await ensureLogin(database, `cairn_${role}`, username, password);
  }
  const applied = await migrate(database, fileURLToPath(databaseFolder));
  await putTargets(database, await locateTargets(ports, targets));
  log("info", "migrated", { applied, targets: targets.length });
  return { applied };
});
