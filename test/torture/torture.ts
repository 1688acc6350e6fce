import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "../simulation/random.ts";
import type { Violation } from "../simulation/violation.ts";
import { putSim } from "../support/machine.ts";
import { freePort } from "../support/npm-start.ts";
import { drawStrokes } from "./blows.ts";
import { createCairn } from "./cairn.ts";
import { ending } from "./ending.ts";
import { newFigures, summary } from "./figures.ts";
import { newRecord } from "./record.ts";
import { storm } from "./storm.ts";
import type { Tampered } from "./tampering.ts";
import { openTeams, services } from "./team-work.ts";

export type TortureOptions = {
  kills: number;
  postgresStops: number;
  seed: number;
  /** A free one when left out. */
  port?: number | undefined;
  say: (line: string) => void;
};

/** Short periods, so that half a minute holds what is hours elsewhere. */
const environment = { CAIRN_SWEEP_SECONDS: "1", CAIRN_DRIFT_SECONDS: "5" };
const cloudSettings = { provisionSeconds: 1.5, requestsPerSecond: 100, burst: 200 };

/**
 * Real `npm start` processes and a real Postgres, killed again and again under load; afterwards what developers were told, the
 * API, the cloud, the cluster and Cairn's own tables have to agree.
 *
 * @returns the violations, and the folder where everything was: it is kept when there are any
 */
export async function torture(options: TortureOptions): Promise<{ violations: Violation[]; folder: string }> {
  const { kills, postgresStops, seed, say } = options;
  const folder = await mkdtemp(join(tmpdir(), "cairn torture "));
  const home = join(folder, "home");
  const log = join(folder, "npm-start.log");
  const cairn = createCairn({ home, port: options.port ?? (await freePort()), environment, log });
  const newborn = createCairn({ home: join(folder, "first"), port: await freePort(), log });
  const figures = newFigures();
  const violations: Violation[] = [];
  const tampered: Tampered[] = [];
  const records = services.map(newRecord);
  const random = createRandom(seed);
  const report = (violation: Violation) => {
    if (violations.push(violation) <= 20) say(`${violation.law}: ${violation.what}`);
  };
  const thrown = (error: Error) => report({ law: error.name, what: error.message });
  const killEverything = () => Promise.all([cairn, newborn].map((one) => one.killAll().catch(thrown)));
  const giveUp = () => void killEverything().finally(() => process.exit(130));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, giveUp);

  say(`seed ${seed}: ${kills} kills and ${postgresStops} Postgres stops on ${home}`);
  try {
    figures.starts.push(await cairn.start());
    say(`up after ${figures.starts[0]?.toFixed(1)} s, the first start`);
    await putSim(cairn.endpoints(), "settings", cloudSettings);
    const { fates } = figures;
    const { developers, platform, askAs } = await openTeams({ home, api: cairn.api, seed, fates, records, report });

    let over = false;
    const work = developers.map(async ({ act }) => {
      while (!over && violations.length === 0) await act().catch(thrown);
    });
    const read = () => platform("GET", "/v1/environments");
    const all = { cairn, newborn, random, figures, records, tampered, violations, read, report, say };
    await storm(all, drawStrokes(random, kills, postgresStops)).finally(() => {
      over = true;
    });
    await Promise.all(work);
    if (violations.length === 0) await ending({ cairn, records, developers, random, tampered, askAs, report, say });
  } catch (error) {
    thrown(error as Error);
  } finally {
    await killEverything();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, giveUp);
  }
  say(summary(figures));
  if (violations.length === 0) await rm(folder, { recursive: true, force: true });
  else await writeFile(join(folder, "run.json"), JSON.stringify({ seed, violations, tampered, records }, mapsToo, 1));
  return { violations, folder };
}

function mapsToo(_: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
