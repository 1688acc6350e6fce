import { type CloudControlClient, GetResourceCommand } from "@aws-sdk/client-cloudcontrol";
import { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import type { Database } from "../database/data-api.ts";
import { knownTargets } from "../database/targets.ts";

const config = z.record(z.string(), z.json());

/** A target as a deployment hands it over. `cluster` names one that a target's stack has made; where it is, it knows itself. */
export const stageTarget = z.object({
  environment: z.string(),
  provider: z.string(),
  config,
  cluster: z.string().optional(),
});

export type StageTarget = z.infer<typeof stageTarget>;

/** A new cluster does not say where it is. */
export class TargetNotLocated extends Error {
  override readonly name = "TargetNotLocated";
}

type Ports = {
  database: Database;
  cloudControlIn: (target: JsonObject) => CloudControlClient;
  log: (level: "info" | "error", message: string, fields: { [name: string]: unknown }) => void;
};

/**
 * The targets as the store keeps them. A cluster that cannot be asked (its region is down, its role is gone) must not keep a
 * deployment from mending Cairn: its target stays as the store knows it. One that the store does not know yet ends the
 * deployment.
 */
export async function locateTargets(
  { database, cloudControlIn, log }: Ports,
  targets: readonly StageTarget[],
): Promise<{ environment: string; provider: string; config: JsonObject }[]> {
  const located = await Promise.all(
    targets.map(async ({ cluster, ...target }) => {
      if (cluster === undefined) return { target, failure: null };
      try {
        const place = await locateCluster(cloudControlIn(target.config), cluster);
        return { target: { ...target, config: { ...target.config, ...place } }, failure: null };
      } catch (failure) {
        return { target, failure: failure as Error };
      }
    }),
  );
  const lost = located.filter(({ failure }) => failure !== null);
  const known =
    lost.length === 0
      ? []
      : await knownTargets(
          database,
          lost.map(({ target }) => target),
        );
  for (const { target, failure } of lost) {
    const { environment, provider } = target;
    if (!known.some((other) => other.environment === environment && other.provider === provider))
      throw new TargetNotLocated(
        `the ${provider} target of ${environment} is new, and its cluster could not be asked: ${failure?.name}`,
        { cause: failure },
      );
    log("error", "a target's cluster could not be asked; what the store knows of it stays", {
      environment,
      provider,
      error: failure?.name,
    });
  }
  return located.filter(({ failure }) => failure === null).map(({ target }) => target);
}

const clusterModel = z.object({
  DBClusterArn: z.string(),
  Endpoint: z.object({ Address: z.string(), Port: z.coerce.number() }),
  MasterUserSecret: z.object({ SecretArn: z.string() }),
});

async function locateCluster(client: CloudControlClient, identifier: string): Promise<JsonObject> {
  const command = new GetResourceCommand({ TypeName: "AWS::RDS::DBCluster", Identifier: identifier });
  const answer = await client.send(command);
  const model = clusterModel.parse(JSON.parse(answer.ResourceDescription?.Properties ?? "{}"));
  return {
    clusterArn: model.DBClusterArn,
    adminSecretArn: model.MasterUserSecret.SecretArn,
    host: model.Endpoint.Address,
    port: model.Endpoint.Port,
  };
}
