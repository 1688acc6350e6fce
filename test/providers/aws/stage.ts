import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CloudControlClient,
  CreateResourceCommand,
  GetResourceCommand,
  UpdateResourceCommand,
} from "@aws-sdk/client-cloudcontrol";
import { readSchema } from "../../../aws-schemas/read-schema.ts";
import type { JsonObject } from "../../../core/json.ts";
import { derivedName } from "../../../core/names.ts";
import type { ProviderCall } from "../../../core/provider.ts";
import { openCloud } from "../../../local/cloud/open-cloud.ts";
import { startCloudControl } from "../../../local/cloud-control/start-cloud-control.ts";
import { createAwsProvider } from "../../../providers/aws/aws-provider.ts";
import { createNetwork } from "../../support/fault-proxy.ts";
import type { Stage } from "../contract.ts";

type LedgerItem = { typeName: string; identifier: string; deletedAt: string | null; properties: JsonObject };
export type SimCall = { operation: string; result: string; identifier: string | null };

export type AwsStage = Stage & {
  client: CloudControlClient;
  callFor(kind: string, nameProperty: string, properties?: JsonObject): ProviderCall;
  simulation(path: string, body?: unknown): Promise<unknown>;
  update(kind: string, identifier: string, patch: JsonObject[]): Promise<void>;
  live(call: ProviderCall): Promise<LedgerItem[]>;
};

/** The provider before the simulated cloud, which is as strict as AWS's own schemas. */
export async function startAwsStage(
  kind = "AWS::S3::Bucket",
  nameProperty = "BucketName",
  properties: JsonObject = {},
): Promise<AwsStage> {
  const home = await mkdtemp(join(tmpdir(), "cairn test cloud-"));
  const cloud = openCloud(join(home, "cloud.db"));
  const server = await startCloudControl({ store: cloud });
  const network = createNetwork();
  const options = { region: cloud.region, credentials: { accessKeyId: "any", secretAccessKey: "any" }, maxAttempts: 1 };
  const url = await network.to(server.url);
  const provider = createAwsProvider({
    clientFor: () => new CloudControlClient({ ...options, endpoint: url }),
    readSchema,
  });
  const client = new CloudControlClient({ ...options, endpoint: server.url });

  const simulation = async (path: string, body?: unknown): Promise<unknown> => {
    const init = body === undefined ? {} : { method: "PUT", body: JSON.stringify(body) };
    const answer = await fetch(`${server.url}/_sim/${path}`, init);
    if (!answer.ok) throw new Error(`_sim/${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return text === "" ? null : JSON.parse(text);
  };
  await simulation("settings", { provisionSeconds: 0.02, requestsPerSecond: null });

  const live = async ({ kind: typeName, externalName }: ProviderCall) => {
    const { items } = (await simulation("ledger")) as { items: LedgerItem[] };
    return items.filter(
      (item) =>
        item.typeName === typeName && item.deletedAt === null && JSON.stringify(item.properties).includes(externalName),
    );
  };
  const update = async (typeName: string, identifier: string, patch: JsonObject[]) => {
    await client.send(
      new UpdateResourceCommand({ TypeName: typeName, Identifier: identifier, PatchDocument: JSON.stringify(patch) }),
    );
    await new Promise((done) => setTimeout(done, 60));
  };
  const callFor = (typeName: string, name: string, wanted: JsonObject = {}): ProviderCall => {
    const resourceId = randomUUID();
    const externalName = derivedName("orders", "files", resourceId, { maxLength: 40, separator: "-" });
    const tags = { "cairn:team": "payments", "cairn:resource-id": resourceId };
    const taggable = readSchema(typeName)?.tagging?.taggable !== false;
    const Tags =
      typeName === "AWS::SSM::Parameter" ? tags : Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    return {
      resourceId,
      team: "payments",
      service: "orders",
      environment: "staging",
      name: "files",
      kind: typeName,
      externalName,
      identifier: null,
      desired: { ...wanted, [name]: externalName, ...(taggable ? { Tags } : {}) },
      target: { region: cloud.region },
      token: randomUUID(),
      request: null,
      tokenAgeSeconds: null,
      signal: AbortSignal.timeout(20_000),
    };
  };

  return {
    provider,
    network,
    client,
    callFor,
    simulation,
    update,
    live,
    optional: {
      property: Object.keys(properties)[0] ?? "",
      look: async (call) => (await live(call))[0]?.properties[Object.keys(properties)[0] ?? ""] ?? null,
    },
    attributes: [nameProperty, "Arn"],
    newCall: () => callFor(kind, nameProperty, properties),
    count: async (call) => (await live(call)).length,
    async meddle(call) {
      const [object] = await live(call);
      const tags = call.desired.Tags as { Key: string; Value: string }[];
      const others = tags.map(({ Key, Value }) => ({ Key, Value: Key === "cairn:team" ? "theirs" : Value }));
      await update(call.kind, object?.identifier ?? "", [
        { op: "replace", path: "/Tags", value: [{ Key: "cost", Value: "9" }, ...others.reverse()] },
      ]);
      return ["/Tags/0/Value"];
    },
    async occupy(call) {
      const theirs = [{ Key: "cairn:resource-id", Value: randomUUID() }];
      const state = { ...call.desired, Tags: theirs };
      await client.send(new CreateResourceCommand({ TypeName: kind, DesiredState: JSON.stringify(state) }));
      await new Promise((done) => setTimeout(done, 60));
      const identifier = (await live(call))[0]?.identifier ?? "";
      const get = new GetResourceCommand({ TypeName: kind, Identifier: identifier });
      return { identifier, look: async () => (await client.send(get)).ResourceDescription };
    },
    async stop() {
      await network.close();
      await server.close();
      cloud.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
