import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CloudControlClient,
  CreateResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  type ProgressEvent,
} from "@aws-sdk/client-cloudcontrol";
import { type Cloud, openCloud } from "../../../local/cloud/open-cloud.ts";
import { startCloudControl } from "../../../local/cloud-control/start-cloud-control.ts";

export type TestCloud = Awaited<ReturnType<typeof startTestCloud>>;

/** A cloud of its own with a clock the test moves, spoken to by the real client. */
export async function startTestCloud(home = mkdtempSync(join(tmpdir(), "cairn cloud-"))) {
  const clock = { ahead: 0 };
  const file = join(home, "cloud.sqlite");
  const store: Cloud = openCloud(file, { accountId: "123456789012", now: () => Date.now() + clock.ahead });
  const server = await startCloudControl({ store });
  const client = clientOf(server.url);
  const sim = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${server.url}/_sim/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      body: (await answer.json()) as { items: { [key: string]: unknown }[] } & { [key: string]: unknown },
    };
  };
  const pass = (seconds: number) => {
    clock.ahead += seconds * 1000;
  };
  const status = async (token: string | undefined): Promise<ProgressEvent> => {
    const answer = await client.send(new GetResourceRequestStatusCommand({ RequestToken: token }));
    return answer.ProgressEvent ?? {};
  };
  const create = async (TypeName: string, desired: object, ClientToken?: string): Promise<ProgressEvent> => {
    const DesiredState = JSON.stringify(desired);
    const answer = await client.send(new CreateResourceCommand({ TypeName, DesiredState, ClientToken }));
    return answer.ProgressEvent ?? {};
  };
  return {
    home,
    store,
    url: server.url,
    client,
    sim,
    pass,
    status,
    create,
    /** Creates, waits and returns how it ended. */
    made: async (TypeName: string, desired: object, ClientToken?: string): Promise<ProgressEvent> => {
      const event = await create(TypeName, desired, ClientToken);
      pass(3);
      return status(event.RequestToken);
    },
    read: async (TypeName: string, Identifier: string | undefined): Promise<{ [key: string]: unknown }> => {
      const answer = await client.send(new GetResourceCommand({ TypeName, Identifier }));
      return JSON.parse(answer.ResourceDescription?.Properties ?? "{}") as { [key: string]: unknown };
    },
    stop: async () => {
      client.destroy();
      await server.close();
      store.close();
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

export function clientOf(endpoint: string): CloudControlClient {
  return new CloudControlClient({
    endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
}
