import { setTimeout as sleep } from "node:timers/promises";
import {
  type CloudControlClient,
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceRequestStatusCommand,
  type ProgressEvent,
} from "@aws-sdk/client-cloudcontrol";

/** The cheapest thing to make: a standard parameter costs nothing. */
export const parameterType = "AWS::SSM::Parameter";

const running = new Set(["PENDING", "IN_PROGRESS", "CANCEL_IN_PROGRESS"]);

/** What became of a call: the progress event it was answered with, or the error's name. */
export async function answerOf(
  call: Promise<{ ProgressEvent?: ProgressEvent | undefined }>,
): Promise<ProgressEvent | string> {
  try {
    return (await call).ProgressEvent ?? {};
  } catch (error) {
    return (error as Error).name;
  }
}

export function create(client: CloudControlClient, TypeName: string, desired: object, ClientToken: string) {
  const DesiredState = JSON.stringify(desired);
  return answerOf(client.send(new CreateResourceCommand({ TypeName, DesiredState, ClientToken })));
}

/** Follows a request to its end. */
export async function ended(client: CloudControlClient, answer: ProgressEvent | string): Promise<ProgressEvent> {
  if (typeof answer === "string") throw new Error(`The request was refused: ${answer}`);
  let event = answer;
  while (running.has(event.OperationStatus ?? "")) {
    await sleep(500);
    const status = new GetResourceRequestStatusCommand({ RequestToken: event.RequestToken });
    event = (await client.send(status)).ProgressEvent ?? {};
  }
  return event;
}

export async function made(
  client: CloudControlClient,
  typeName: string,
  desired: object,
  token: string,
): Promise<ProgressEvent> {
  const event = await ended(client, await create(client, typeName, desired, token));
  if (event.OperationStatus === "SUCCESS") return event;
  throw new Error(`${typeName} was not made: ${event.ErrorCode} ${event.StatusMessage}`);
}

export async function removed(client: CloudControlClient, TypeName: string, Identifier: string): Promise<void> {
  await ended(client, await answerOf(client.send(new DeleteResourceCommand({ TypeName, Identifier }))));
}
