import { DescribeSecretCommand } from "@aws-sdk/client-secrets-manager";
import { awsClients, type HttpClient, type TestMachine } from "../support/machine.ts";
import { account } from "./local-stage.ts";

/** What a template can only refer to, as this machine has it. */
export type Here = {
  /** What a function finds in its environment, of all functions. */
  environment: { [variable: string]: string };
  /** The shared cluster's, which a target's stack would make. */
  tenants: { clusterArn: string; adminSecretArn: string };
};

export async function tenantsOf(platform: HttpClient): Promise<Here["tenants"]> {
  type Targets = { items: { provider: string; config: Here["tenants"] }[] };
  const { body } = await platform<Targets>("GET", "/v1/targets?environment=staging");
  const config = body.items.find(({ provider }) => provider === "postgres")?.config;
  if (config === undefined) throw new Error("staging has no postgres target");
  return config;
}

export async function environmentOf({ endpoints }: TestMachine): Promise<Here["environment"]> {
  const { resourceArn, secretArn, database } = endpoints.store;
  const { secretsManager } = awsClients(endpoints);
  const secrets = ["api", "platform", "worker"].map(async (role) => {
    const { ARN = "" } = await secretsManager.send(new DescribeSecretCommand({ SecretId: `cairn/store/${role}` }));
    return [`CAIRN_STORE_SECRET_${role.toUpperCase()}`, ARN] as const;
  });
  const made = await Promise.all(secrets);
  secretsManager.destroy();
  return {
    CAIRN_STORE_ARN: resourceArn,
    CAIRN_STORE_DATABASE: database,
    CAIRN_STORE_SECRET_OWNER: secretArn,
    CAIRN_MACHINE_ARN_PREFIX: `arn:aws:states:${endpoints.region}:${account}:stateMachine:cairn-`,
    ...Object.fromEntries(made),
  };
}
