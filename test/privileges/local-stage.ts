import { readStage } from "../../infra/stages/read-stage.ts";
import { parseStage, type Stage } from "../../infra/stages/stage.ts";
import { localTargets } from "../../local/targets.ts";

export const account = "000000000000";
export const region = "eu-central-1";

const cluster = { clusterArn: "", adminSecretArn: "", host: "127.0.0.1", port: 5432 };
const [here] = localTargets({ region, accountId: account, ...cluster });
const config = (here?.config ?? {}) as { [key: string]: string | string[] };
const waysIn = ["region", "accountId", "roleArn", "lookRoleArn", "externalId"];
const values = Object.fromEntries(Object.entries(config).filter(([key]) => !waysIn.includes(key)));

/** The stage that this machine plays: what is synthesized of it names the roles, keys and clusters that the run meets. */
export const localStage: Stage = parseStage("test/privileges/local-stage.ts", {
  ...readStage("production"),
  name: "local",
  account,
  region,
  machineCallers: [{ name: "ci", trusts: [`arn:aws:iam::${account}:role/ci`], role: "developer", team: "payments" }],
  targets: [
    {
      name: "here",
      account,
      region,
      environments: ["development", "staging", "production"],
      externalId: String(config.externalId),
      requestsPerSecond: null,
      values,
      tenants: {
        cluster: "new",
        environments: ["development", "staging"],
        engineVersion: "17.7",
        minCapacity: 0.5,
        maxCapacity: 8,
        standby: false,
        backupDays: 14,
        deletionProtection: true,
        subnetIds: ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5a60719"],
        securityGroupIds: ["sg-0a1b2c3d4e5f60718"],
        database: "cairn_tenants",
      },
    },
  ],
});
