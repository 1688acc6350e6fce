import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alive } from "../../local/home/processes.ts";
import { stopOrphan } from "../../local/postgres/postmaster.ts";

/**
 * A run that was killed could not clean up. Its folder in the temporary ones is called by this prefix and its pid.
 *
 * @param data where in that folder its Postgres keeps its data
 */
export async function removeLeftovers(prefix: string, data: string): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (!pid || alive(pid)) continue;
    await stopOrphan(join(tmpdir(), name, data)).catch(() => undefined);
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}
