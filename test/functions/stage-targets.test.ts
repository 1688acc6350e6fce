import { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { putTargets } from "../../database/targets.ts";
import { locateTargets } from "../../functions/stage-targets.ts";
import { createTestStore, type TestStore } from "../support/store.ts";

const access = { region: "eu-west-1", roleArn: "arn:aws:iam::222233334444:role/cairn-x-target-shared" };
const aws = { environment: "staging", provider: "aws", config: { ...access, subnetIds: ["subnet-1"] } };
const postgres = {
  environment: "staging",
  provider: "postgres",
  config: { ...access, database: "tenants" },
  cluster: "cairn-x-tenants-shared",
};
const model = {
  DBClusterArn: "arn:aws:rds:eu-west-1:222233334444:cluster:cairn-x-tenants-shared",
  Endpoint: { Address: "cairn-x-tenants-shared.cluster-abc.eu-west-1.rds.amazonaws.com", Port: "5432" },
  MasterUserSecret: { SecretArn: "arn:aws:secretsmanager:eu-west-1:222233334444:secret:rds!cluster-1-a1b2c3" },
};
let store: TestStore;
let logged: unknown[] = [];

beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

describe("a deployment's targets", () => {
  test("are written as they stand, a cluster's with what only the cluster knows", async () => {
    const asked: unknown[] = [];
    const located = await locateTargets(ports(model, asked), [aws, postgres]);
    await putTargets(store.as("owner"), located);
    expect(located).toEqual([
      aws,
      {
        environment: "staging",
        provider: "postgres",
        config: {
          ...postgres.config,
          clusterArn: model.DBClusterArn,
          adminSecretArn: model.MasterUserSecret.SecretArn,
          host: model.Endpoint.Address,
          port: 5432,
        },
      },
    ]);
    expect(asked).toEqual([{ TypeName: "AWS::RDS::DBCluster", Identifier: "cairn-x-tenants-shared" }]);
  });

  test("stay as the store knows them where a cluster cannot be asked: a lost region keeps no deployment back", async () => {
    const kept = await locateTargets(ports(new Error("no answer")), [aws, postgres]);
    expect(kept).toEqual([aws]);
    expect(logged).toContainEqual(expect.objectContaining({ environment: "staging", provider: "postgres" }));
  });

  test.each([
    { reason: "that cannot be asked", answer: new Error("no answer"), cause: "Error" },
    { reason: "that answers something else", answer: { DBClusterArn: "arn" }, cause: "ZodError" },
  ])("end the deployment when a new one has a cluster $reason", async ({ answer, cause }) => {
    const fresh = { ...postgres, environment: "development" };
    await expect(locateTargets(ports(answer), [aws, fresh])).rejects.toMatchObject({
      name: "TargetNotLocated",
      message: `the postgres target of development is new, and its cluster could not be asked: ${cause}`,
    });
  });

  test("are refused by name when one is for an environment that is not there, and none is written", async () => {
    const before = await rowsOf();
    const changed = { ...aws, config: { ...access, subnetIds: ["subnet-2"] } };
    const nowhere = { ...changed, environment: "qa" };
    await expect(putTargets(store.as("owner"), [changed, nowhere])).rejects.toMatchObject({
      name: "UnknownEnvironment",
      message:
        "the aws target of qa: there is no such environment; there are development, production, staging, and PUT /v1/environments/NAME makes one",
    });
    expect(await rowsOf()).toEqual(before);
  });

  test("may be for an environment that somebody has made", async () => {
    const platform = { subject: "pat", role: "platform", team: null } as const;
    await store.api.putEnvironment("platform", platform, "qa", { tier: "staging" });
    await putTargets(store.as("owner"), [{ ...aws, environment: "qa" }]);
    expect(await rowsOf()).toContainEqual(expect.objectContaining({ environment: "qa", provider: "aws" }));
  });
});

const rowsOf = () => store.as("owner").rows("select to_jsonb(t) from cairn.targets t order by environment, provider");

/** Cloud Control that gives this answer, behind the SDK's own client. */
function ports(answer: object, asked: unknown[] = []) {
  logged = [];
  const cloudControlIn = () => {
    const client = new CloudControlClient({ region: "eu-west-1" });
    client.middlewareStack.add(() => async ({ input }) => {
      asked.push(input);
      if (answer instanceof Error) throw answer;
      return { response: {}, output: { $metadata: {}, ResourceDescription: { Properties: JSON.stringify(answer) } } };
    });
    return client;
  };
  const log = (_level: string, _message: string, fields: object) => logged.push(fields);
  return { database: store.as("owner"), cloudControlIn, log };
}
