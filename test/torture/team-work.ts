import { openIssuer } from "../../local/api-gateway/issuer.ts";
import { createRandom } from "../simulation/random.ts";
import type { Violation } from "../simulation/violation.ts";
import { createDeveloper, type Developer } from "./developer.ts";
import { createInsistentCaller, type Fates, type InsistentCaller } from "./insistent-caller.ts";
import type { Place, ServiceRecord } from "./record.ts";

/** Two services for each of three teams, and two teams in each environment. */
export const services: readonly Place[] = [
  { team: "payments", service: "orders", environment: "staging" },
  { team: "payments", service: "ledger", environment: "production" },
  { team: "search", service: "index", environment: "development" },
  { team: "search", service: "crawler", environment: "staging" },
  { team: "people", service: "accounts", environment: "production" },
  { team: "people", service: "badges", environment: "development" },
];

export type TeamWork = {
  developers: Developer[];
  platform: InsistentCaller;
  /** As a developer of that team who does not hang up. */
  askAs: (team: string) => InsistentCaller;
};

/** Makes the teams, and for each service the developer who alone changes it. */
export async function openTeams(options: {
  home: string;
  api: string;
  seed: number;
  fates: Fates;
  records: readonly ServiceRecord[];
  report: (violation: Violation) => void;
}): Promise<TeamWork> {
  const { home, api, seed, fates, records, report } = options;
  const issuer = await openIssuer(home);
  let callers = 0;
  const caller = (token: string, hangsUp: number) => {
    callers += 1;
    return createInsistentCaller({ api, token, random: createRandom(seed * 7919 + callers), fates, hangsUp });
  };
  const callerAs = async (role: string, team: string | undefined, hangsUp: number) =>
    caller(await issuer.sign({ sub: `${role}@torture`, role, ...(team === undefined ? {} : { team }) }), hangsUp);

  const platform = await callerAs("platform", undefined, 0);
  const patient = new Map<string, InsistentCaller>();
  for (const team of new Set(records.map((record) => record.team))) {
    await platform("PUT", `/v1/teams/${team}`, { contact: `${team}@example.com` });
    patient.set(team, await callerAs("developer", team, 0));
  }
  const developers = records.map(async (record, index) => {
    const other = records.find(({ team }) => team !== record.team) ?? record;
    return createDeveloper({
      record,
      ask: await callerAs("developer", record.team, hangsUp),
      others: {
        viewer: await callerAs("viewer", record.team, hangsUp),
        stranger: await callerAs("developer", other.team, hangsUp),
        nobody: caller("not.a.token", hangsUp),
      },
      random: createRandom(seed * 1000 + index),
      report,
    });
  });
  return { developers: await Promise.all(developers), platform, askAs: (team) => patient.get(team) ?? platform };
}

/** How often somebody hangs up on purpose before an answer is there. */
const hangsUp = 0.06;
