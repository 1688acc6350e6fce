import { CloudControlClient, UpdateResourceCommand } from "@aws-sdk/client-cloudcontrol";
import { region, root } from "./place.ts";

type Item = { typeName: string; identifier: string; deletedAt: string | null };
type Call = { operation: string; typeName: string; result: string };

/** What there is of a service in the target's account: each object that lives, by type and identifier. */
export async function objectsOf(cloudControl: string, service: string): Promise<string[]> {
  const response = await fetch(`${cloudControl}/_sim/ledger`);
  const { items } = (await response.json()) as { items: Item[] };
  const own = items.filter(({ identifier, deletedAt }) => deletedAt === null && identifier.includes(`${service}-`));
  return own.map(({ typeName, identifier }) => `${typeName} ${identifier}`).sort();
}

/** The types of what the account was asked to make since then, and took on. */
export async function creationsSince(cloudControl: string, since: string): Promise<string[]> {
  const response = await fetch(`${cloudControl}/_sim/calls?since=${since}`);
  const { items } = (await response.json()) as { items: Call[] };
  const taken = items.filter(({ operation, result }) => operation === "CreateResource" && result === "ok");
  return taken.map(({ typeName }) => typeName).sort();
}

/** How long the account takes to make something. */
export async function slowly(cloudControl: string, provisionSeconds: number): Promise<void> {
  const body = JSON.stringify({ provisionSeconds });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${cloudControl}/_sim/settings`, { method: "PUT", headers, body });
  if (!response.ok) throw new Error(await response.text());
}

/** As a person does it, past Cairn. */
export async function changeByHand(cloudControl: string, bucket: string): Promise<void> {
  const client = new CloudControlClient({ endpoint: cloudControl, region, credentials: root });
  const PatchDocument = JSON.stringify([
    { op: "replace", path: "/VersioningConfiguration/Status", value: "Suspended" },
  ]);
  await client.send(new UpdateResourceCommand({ TypeName: "AWS::S3::Bucket", Identifier: bucket, PatchDocument }));
  client.destroy();
}
