import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateStateMachineCommand, SFNClient } from "@aws-sdk/client-sfn";
import { startLambdaEndpoint } from "../../local/lambda/endpoint.ts";
import { startStepFunctions } from "../../local/step-functions/step-functions.ts";
import type { Answer } from "../statemachines/scenarios.ts";
import { type ScriptedLambda, scriptedLambda } from "./scripted-lambda.ts";
import { startLocalStack } from "./start-localstack.ts";

/** A definition with `${name}` for its functions, and what these do. */
export type Machine = { definition: object; answers: { readonly [name: string]: readonly Answer[] } };
export type Machines = { readonly [name: string]: Machine };

/** Something that runs state machines behind the Step Functions protocol. */
export type Engine = {
  client: SFNClient;
  lambda: ScriptedLambda;
  machineArn(name: string): string;
  close(): Promise<void>;
};

const region = "eu-central-1";
const accountId = "000000000000";
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const roleArn = `arn:aws:iam::${accountId}:role/machine`;
const machineArn = (name: string) => `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;
const functionArn = (name: string) => `arn:aws:lambda:${region}:${accountId}:function:${name}`;

/** Our server, with a machine for each name. */
export async function openOurs(machines: Machines): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "cairn parity "));
  const lambda = scriptedLambda(answersOf(machines));
  const server = await startStepFunctions({
    machines: Object.fromEntries(Object.keys(machines).map((name) => [name, definitionOf(machines, name)])),
    invoke: lambda.invoke,
    database: join(folder, "executions.sqlite"),
    region,
    accountId,
    namePrefix: "",
  });
  const client = sfnClient(server.url);
  const close = async () => {
    lambda.release();
    client.destroy();
    await server.close(0);
    rmSync(folder, { recursive: true, force: true });
  };
  return { client, lambda, machineArn, close };
}

/** LocalStack with the same machines, whose functions are the same behind a Lambda endpoint. */
export async function openLocalStack(python: string, machines: Machines): Promise<Engine> {
  const lambda = scriptedLambda(answersOf(machines));
  const endpoint = await startLambdaEndpoint({ lambda });
  const localStack = await startLocalStack(python, endpoint.url);

  const client = sfnClient(localStack.url);
  for (const name of Object.keys(machines)) {
    const definition = JSON.stringify(definitionOf(machines, name)).replaceAll(/\$\{([^{}]*)\}/g, (_, fn) =>
      functionArn(fn),
    );
    await client.send(new CreateStateMachineCommand({ name, definition, roleArn }));
  }
  const close = async () => {
    lambda.release();
    client.destroy();
    await localStack.close();
    await endpoint.close();
  };
  return { client, lambda, machineArn, close };
}

/** Each machine has functions of its own, so that each call is told by its scenario's answers. */
function definitionOf(machines: Machines, name: string): object {
  const { definition } = machines[name] ?? { definition: {} };
  return JSON.parse(JSON.stringify(definition).replaceAll("${", `\${${name}-`)) as object;
}

function answersOf(machines: Machines): { [name: string]: readonly Answer[] } {
  return Object.fromEntries(
    Object.entries(machines).flatMap(([machine, { answers }]) =>
      Object.entries(answers).map(([name, list]) => [`${machine}-${name}`, list]),
    ),
  );
}

function sfnClient(endpoint: string): SFNClient {
  // LocalStack hangs up on a connection that was idle for a while, at times just when it is used again.
  const requestHandler = { httpAgent: new Agent({ keepAlive: false }) };
  return new SFNClient({ endpoint, region, credentials, requestHandler, disableHostPrefix: true, maxAttempts: 1 });
}
