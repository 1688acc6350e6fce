import { join } from "node:path";
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { openCloud } from "../../local/cloud/open-cloud.ts";
import { startCloudControl } from "../../local/cloud-control/start-cloud-control.ts";
import { startPostgres } from "../../local/postgres/start-postgres.ts";
import { startRdsData } from "../../local/rds-data/start-rds-data.ts";
import { prepareCluster } from "../../local/store-cluster.ts";
import { accountId, clusterArn, region } from "./place.ts";

type Login = { username: string; password: string };

export const tenantsAdmin: Login = { username: "cairn_tenants", password: "not-a-secret-in-a-test" };

/**
 * What the emulator has no more than a stub of: the store's Postgres behind a Data API, and Cloud Control.
 *
 * @param secrets the emulator's Secrets Manager, where the store's stack keeps each role's login
 */
export async function openRooms(folder: string, secrets: SecretsManagerClient) {
  const cloud = openCloud(join(folder, "cloud.sqlite"), { region, accountId });
  const cloudControl = await startCloudControl({ store: cloud });
  const postgres = await startPostgres({ home: folder, settings: { fsync: "off" }, log: () => undefined });
  let prepared: Promise<void> | undefined;
  const dataApi = await startRdsData({ postgres, resourceArn: clusterArn, readSecret });

  /** The cluster comes into being with its master user, as Aurora makes it of the owner's secret. */
  async function readSecret(arn: string): Promise<Login> {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: arn }));
    const login = JSON.parse(SecretString ?? "{}") as Login;
    if (login.username !== "cairn_owner") return login;
    prepared ??= prepareCluster(postgres.superuserUrl, login, tenantsAdmin);
    await prepared;
    return login;
  }

  return {
    cloudControl: cloudControl.url,
    dataApi: dataApi.url,
    postgres,
    close: async () => {
      await dataApi.close();
      await cloudControl.close();
      cloud.close();
      await postgres.stop();
    },
  };
}
