import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openIssuer } from "../../local/api-gateway/issuer.ts";
import { createRandom } from "../simulation/random.ts";
import type { Violation } from "../simulation/violation.ts";
import { putSim } from "../support/machine.ts";
import { freePort } from "../support/npm-start.ts";
import { drawStrokes } from "./blows.ts";
import { createCairn } from "./cairn.ts";
import { createDeveloper } from "./developer.ts";
import { ending } from "./ending.ts";
import { type Figures, newFigures, spread, strokeTable } from "./figures.ts";
import { createInsistentCaller } from "./insistent-caller.ts";
import { newRecord, type Place } from "./record.ts";
import { storm } from "./storm.ts";
import type { Tampered } from "./tampering.ts";

export type TortureOptions = {
  kills: number;
  postgresStops: number;
  seed: number;
  /** A free one when left out. */
  port?: number | undefined;
  say: (line: string) => void;
};

export type TortureResult = {
  violations: Violation[];
  figures: Figures /** Kept when there are violations. */;
  folder: string;
};

const services: readonly Place[] = [
  { team: "payments", service: "orders", environment: "staging" },
  { team: "payments", service: "ledger", environment: "production" },
  { team: "search", service: "index", environment: "development" },
  { team: "search", service: "crawler", environment: "staging" },
  { team: "people", service: "accounts", environment: "production" },
  { team: "people", service: "badges", environment: "development" },
];
const teams = [...new Set(services.map(({ team }) => team))];

/** Short periods, so that half a minute holds what is hours elsewhere. */
const environment = { CAIRN_SWEEP_SECONDS: "1", CAIRN_DRIFT_SECONDS: "5" };
const cloudSettings = { provisionSeconds: 1.5, requestsPerSecond: 100, burst: 200 };

/**
 * Real `npm start` processes and a real Postgres, killed again and again under load; afterwards what developers were told, the
 * API, the cloud, the cluster and Cairn's own tables have to agree.
 */
export async function torture({ kills, postgresStops, seed, port, say }: TortureOptions): Promise<TortureResult> {
  const folder = await mkdtemp(join(tmpdir(), "cairn torture "));
  const home = join(folder, "home");
  const log = join(folder, "npm-start.log");
  const cairn = createCairn({ home, port: port ?? (await freePort()), environment, log });
  const figures = newFigures();
  const violations: Violation[] = [];
  const tampered: Tampered[] = [];
  const report = (violation: Violation) => {
    if (violations.push(violation) <= 20) say(`${violation.law}: ${violation.what}`);
  };
  const random = createRandom(seed);
  const records = services.map(newRecord);

  say(`seed ${seed}: ${kills} kills and ${postgresStops} Postgres stops on ${home}`);
  try {
    const began = performance.now();
    cairn.begin();
    await cairn.ready();
    figures.starts.push((performance.now() - began) / 1000);
    say(`up after ${figures.starts[0]?.toFixed(1)} s, the first start`);
    await putSim(cairn.endpoints(), "settings", cloudSettings);

    const { callers, askAs } = await callersFor(home, cairn.api, seed, figures);
    for (const team of teams) await callers.platform("PUT", `/v1/teams/${team}`, { contact: `${team}@example.com` });
    const developers = records.map((record, index) =>
      createDeveloper({
        record,
        ask: callers.developers.get(record.team) ?? callers.platform,
        others: {
          viewer: callers.viewers.get(record.team) ?? callers.platform,
          stranger: callers.developers.get(teams.find((team) => team !== record.team) ?? "") ?? callers.platform,
          nobody: callers.nobody,
        },
        random: createRandom(seed * 1000 + index),
        report,
      }),
    );

    let over = false;
    const work = developers.map(async (developer) => {
      while (!over && violations.length === 0) await developer.act();
    });
    // A developer who gives up ends the run; that is said where the work is waited for.
    const gaveUp = Promise.race(work.map((one) => one.then(() => new Promise<never>(() => undefined))));
    const storming = storm(
      {
        cairn,
        folder,
        log,
        random,
        figures,
        records,
        tampered,
        violations,
        report,
        say,
        read: () => callers.platform("GET", "/v1/environments"),
      },
      drawStrokes(random, kills, postgresStops),
    );
    await Promise.race([storming, gaveUp]);
    over = true;
    await Promise.all(work);

    if (violations.length === 0) {
      await ending({ cairn, records, developers, random, tampered, askAs, report, say });
    }
  } catch (error) {
    report({ law: (error as Error).name, what: (error as Error).message });
  } finally {
    await cairn.killAll().catch((error: Error) => report({ law: error.name, what: error.message }));
  }
  say(summary(figures));
  if (violations.length === 0) await rm(folder, { recursive: true, force: true });
  else
    await writeFile(join(folder, "records.json"), JSON.stringify({ seed, violations, tampered, records }, mapsToo, 1));
  return { violations, figures, folder };
}

async function callersFor(home: string, api: string, seed: number, { fates }: Figures) {
  const issuer = await openIssuer(home);
  const token = (role: string, team?: string) =>
    issuer.sign({ sub: `${role}@torture`, role, ...(team ? { team } : {}) });
  let nth = 0;
  const caller = (text: string, hangsUp?: number) => {
    nth += 1;
    return createInsistentCaller({
      api,
      token: text,
      random: createRandom(seed * 7919 + nth),
      fates,
      ...(hangsUp === undefined ? {} : { hangsUp }),
    });
  };
  const perTeam = async (role: string, hangsUp?: number) =>
    new Map(await Promise.all(teams.map(async (team) => [team, caller(await token(role, team), hangsUp)] as const)));
  const patient = await perTeam("developer", 0);
  const platform = caller(await token("platform"), 0);
  return {
    callers: {
      platform,
      developers: await perTeam("developer"),
      viewers: await perTeam("viewer"),
      nobody: caller("not.a.token"),
    },
    askAs: (team: string) => patient.get(team) ?? platform,
  };
}

function summary(figures: Figures): string {
  const list = (counts: Iterable<[string, number]>) =>
    [...counts].map(([what, times]) => `${what} ${times}`).join(", ");
  return [
    "",
    strokeTable(figures),
    "",
    `starts: ${spread(figures.starts)}; Postgres back: ${spread(figures.recoveries)}`,
    `first starts were killed: ${list(figures.firstStarts)}`,
    `weather: ${list(figures.weather)}`,
    `requests, by answer: ${list(Object.entries(figures.fates))}`,
  ].join("\n");
}

function mapsToo(_: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
