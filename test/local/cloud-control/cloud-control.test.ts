import {
  CancelResourceRequestCommand,
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceRequestStatusCommand,
  ListResourceRequestsCommand,
  ListResourcesCommand,
  UpdateResourceCommand,
} from "@aws-sdk/client-cloudcontrol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listObjects } from "../../../local/cloud/objects.ts";
import { startTestCloud, type TestCloud } from "./with-cloud.ts";

let cloud: TestCloud;
beforeEach(async () => {
  cloud = await startTestCloud();
  await cloud.sim("PUT", "settings", { requestsPerSecond: null });
});
afterEach(async () => {
  await cloud.stop();
  cloud.remove();
});

const bucket = "AWS::S3::Bucket";
const queue = "AWS::SQS::Queue";

async function update(Identifier: string, patch: object[], TypeName = bucket, ClientToken?: string) {
  const command = new UpdateResourceCommand({
    TypeName,
    Identifier,
    PatchDocument: JSON.stringify(patch),
    ClientToken,
  });
  return (await cloud.client.send(command)).ProgressEvent ?? {};
}

async function listing(TypeName: string, input: { MaxResults?: number; NextToken?: string | undefined } = {}) {
  return cloud.client.send(new ListResourcesCommand({ TypeName, ...input }));
}

describe("a change under way", () => {
  test("is in progress until its time has come, and has no effect before", async () => {
    const event = await cloud.create(bucket, { BucketName: "slow" });
    expect(await cloud.status(event.RequestToken)).toMatchObject({
      OperationStatus: "IN_PROGRESS",
      Operation: "CREATE",
    });
    await expect(cloud.read(bucket, "slow")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    cloud.pass(2);
    expect(await cloud.status(event.RequestToken)).toMatchObject({ OperationStatus: "SUCCESS", Identifier: "slow" });
  });

  test("keeps another change of the same object out", async () => {
    await cloud.made(bucket, { BucketName: "busy" });
    await update("busy", [{ op: "add", path: "/AbacStatus", value: "Enabled" }]);
    const second = update("busy", [{ op: "add", path: "/AbacStatus", value: "Disabled" }]);
    await expect(second).rejects.toMatchObject({ name: "ConcurrentOperationException" });
    await expect(
      cloud.client.send(new DeleteResourceCommand({ TypeName: bucket, Identifier: "busy" })),
    ).rejects.toMatchObject({ name: "ConcurrentOperationException" });
  });

  test("ends as one object when two creates race for a name", async () => {
    const [one, two] = await Promise.all([
      cloud.create(queue, { QueueName: "q" }),
      cloud.create(queue, { QueueName: "q" }),
    ]);
    cloud.pass(3);
    const ends = [await cloud.status(one.RequestToken), await cloud.status(two.RequestToken)];
    expect(ends.map(({ OperationStatus }) => OperationStatus).sort()).toEqual(["FAILED", "SUCCESS"]);
    expect((await cloud.sim("GET", "ledger")).body.items).toHaveLength(1);
  });

  test("can be cancelled until it has ended", async () => {
    const { RequestToken } = await cloud.create(bucket, { BucketName: "never" });
    await cloud.client.send(new CancelResourceRequestCommand({ RequestToken }));
    cloud.pass(3);
    expect(await cloud.status(RequestToken)).toMatchObject({ OperationStatus: "CANCEL_COMPLETE" });
    await expect(cloud.read(bucket, "never")).rejects.toThrow();
    const done = await cloud.made(bucket, { BucketName: "done" });
    await expect(
      cloud.client.send(new CancelResourceRequestCommand({ RequestToken: done.RequestToken })),
    ).rejects.toMatchObject({ name: "ConcurrentModificationException" });
  });

  test("is listed, and forgotten after seven days", async () => {
    const event = await cloud.made(bucket, { BucketName: "old" });
    await cloud.create(bucket, { BucketName: "fresh" });
    const filter = { ResourceRequestStatusFilter: { OperationStatuses: ["SUCCESS" as const] } };
    const listed = await cloud.client.send(new ListResourceRequestsCommand(filter));
    expect(listed.ResourceRequestStatusSummaries?.map(({ Identifier }) => Identifier)).toEqual(["old"]);
    cloud.pass(7 * 86_400 + 1);
    await expect(cloud.status(event.RequestToken)).rejects.toMatchObject({ name: "RequestTokenNotFoundException" });
  });
});

describe("a client token", () => {
  const wanted = { BucketName: "once" };

  test("asks for the same request again, a failed one included, for 36 hours", async () => {
    const first = await cloud.made(bucket, wanted, "token");
    expect(await cloud.create(bucket, wanted, "token")).toMatchObject({
      RequestToken: first.RequestToken,
      OperationStatus: "SUCCESS",
    });
    const failed = await cloud.made(bucket, wanted, "other");
    expect(failed).toMatchObject({ OperationStatus: "FAILED", ErrorCode: "AlreadyExists" });
    await cloud.client.send(new DeleteResourceCommand({ TypeName: bucket, Identifier: "once" }));
    cloud.pass(3);
    expect(await cloud.create(bucket, wanted, "other")).toMatchObject({
      RequestToken: failed.RequestToken,
      OperationStatus: "FAILED",
    });
    cloud.pass(36 * 3600);
    expect((await cloud.made(bucket, wanted, "other")).OperationStatus).toBe("SUCCESS");
    expect((await cloud.sim("GET", "ledger")).body.items).toHaveLength(2);
  });

  test("conflicts with another input, and with another operation", async () => {
    await cloud.made(bucket, wanted, "token");
    const conflict = { name: "ClientTokenConflictException" };
    await expect(cloud.create(bucket, { BucketName: "twice" }, "token")).rejects.toMatchObject(conflict);
    const command = new DeleteResourceCommand({ TypeName: bucket, Identifier: "once", ClientToken: "token" });
    await expect(cloud.client.send(command)).rejects.toMatchObject(conflict);
  });

  test("may also conflict with its own replay, as has been seen", async () => {
    await cloud.sim("PUT", "settings", { replay: "conflict" });
    await cloud.made(bucket, wanted, "token");
    await expect(cloud.create(bucket, wanted, "token")).rejects.toMatchObject({ name: "ClientTokenConflictException" });
  });

  test("makes one object when the same request arrives twice at once", async () => {
    const events = await Promise.all([1, 2, 3].map(() => cloud.create(bucket, wanted, "token")));
    expect(new Set(events.map(({ RequestToken }) => RequestToken)).size).toBe(1);
  });
});

describe("an update", () => {
  beforeEach(async () => {
    await cloud.made(bucket, { BucketName: "files", AccessControl: "Private", Tags: [{ Key: "a", Value: "1" }] });
  });

  test("made by anyone is what everyone reads: this is drift", async () => {
    const patch = [
      { op: "add", path: "/VersioningConfiguration", value: { Status: "Suspended" } },
      { op: "add", path: "/Tags/-", value: { Key: "b", Value: "2" } },
      { op: "replace", path: "/Tags/0/Value", value: "3" },
    ];
    await update("files", patch);
    cloud.pass(3);
    expect(await cloud.read(bucket, "files")).toMatchObject({
      VersioningConfiguration: { Status: "Suspended" },
      Tags: [
        { Key: "a", Value: "3" },
        { Key: "b", Value: "2" },
      ],
    });
  });

  test("suspends a bucket whose versioning is taken away: it is never unversioned again", async () => {
    await update("files", [{ op: "add", path: "/VersioningConfiguration", value: { Status: "Enabled" } }]);
    cloud.pass(3);
    await update("files", [{ op: "remove", path: "/VersioningConfiguration" }]);
    cloud.pass(3);
    expect(await cloud.read(bucket, "files")).toMatchObject({ VersioningConfiguration: { Status: "Suspended" } });
  });

  test("keeps what is never shown unless the patch removes it, which it can only after adding it", async () => {
    const kept = () => listObjects(cloud.store, bucket, "")[0]?.properties.AccessControl;
    await update("files", [{ op: "remove", path: "/Tags" }]);
    cloud.pass(3);
    await cloud.read(bucket, "files");
    expect(kept()).toBe("Private");
    await expect(update("files", [{ op: "remove", path: "/AccessControl" }])).rejects.toMatchObject({
      name: "ValidationException",
    });
    await update("files", [
      { op: "add", path: "/AccessControl", value: "" },
      { op: "remove", path: "/AccessControl" },
    ]);
    cloud.pass(3);
    await cloud.read(bucket, "files");
    expect(kept()).toBeUndefined();
  });

  test.each([
    [
      "a create-only property",
      [{ op: "replace", path: "/BucketName", value: "other" }],
      "NotUpdatableException",
      /\/properties\/BucketName/,
    ],
    [
      "a read-only property",
      [{ op: "replace", path: "/Arn", value: "mine" }],
      "ValidationException",
      /\/properties\/Arn/,
    ],
    ["what is not there", [{ op: "remove", path: "/CorsConfiguration" }], "ValidationException", /CorsConfiguration/],
    ["a failing test", [{ op: "test", path: "/BucketName", value: "other" }], "ValidationException", /test failed/],
    ["an operation nobody knows", [{ op: "merge", path: "/Tags", value: [] }], "ValidationException", /merge/],
    [
      "what the schema refuses",
      [{ op: "add", path: "/VersioningConfiguration", value: { Status: "On" } }],
      "ValidationException",
      /#\/VersioningConfiguration\/Status/,
    ],
  ])("is refused for %s", async (_, patch, name, message) => {
    await expect(update("files", patch)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
  });

  test("is refused for what does not exist", async () => {
    await expect(update("nothing", [])).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});

describe("bad input", () => {
  test.each([
    ["a type nobody knows", "AWS::S3::Pail", {}, "TypeNotFoundException", /AWS::S3::Pail/],
    ["a missing property", "AWS::SSM::Parameter", { Type: "String" }, "ValidationException", /#\/Value: is required/],
    ["a read-only property", queue, { Arn: "arn:x" }, "ValidationException", /#\/Arn: is read-only/],
    ["a pattern", bucket, { BucketName: "Under_Score" }, "ValidationException", /#\/BucketName/],
    ["an unknown property", bucket, { Colour: "red" }, "ValidationException", /#\/Colour/],
  ])("is refused at once for %s", async (_, type, desired, name, message) => {
    await expect(cloud.create(type, desired)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
    expect((await cloud.sim("GET", "ledger")).body.items).toEqual([]);
  });

  test("that only the service knows fails the request", async () => {
    const refused = { OperationStatus: "FAILED", ErrorCode: "InvalidRequest" };
    expect(await cloud.made(bucket, { BucketName: "mine", Tags: [{ Key: "aws:owner", Value: "me" }] })).toMatchObject(
      refused,
    );
    expect(await cloud.made(queue, { QueueName: "plain", FifoQueue: true })).toMatchObject(refused);
  });

  test.each([
    ["clientToken", { ClientToken: "a_b" }],
    ["clientToken", { ClientToken: "a".repeat(129) }],
    ["typeName", { TypeName: "bucket" }],
    ["desiredState", { DesiredState: `{"BucketName":"b"}${" ".repeat(262_144)}` }],
  ])("is refused by the service's own constraints on %s", async (member, change) => {
    const command = new CreateResourceCommand({ TypeName: bucket, DesiredState: '{"BucketName":"mine"}', ...change });
    await expect(cloud.client.send(command)).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining(`Value at '${member}' failed to satisfy constraint`),
    });
  });

  test("such as an action that a type has no handler for is refused", async () => {
    const command = new ListResourcesCommand({ TypeName: "AWS::CloudFormation::CustomResource" });
    await expect(cloud.client.send(command)).rejects.toMatchObject({ name: "TypeNotFoundException" });
    const noUpdate = update("x", [], "AWS::Lambda::LayerVersion");
    await expect(noUpdate).rejects.toMatchObject({ name: "UnsupportedActionException" });
  });

  test("of the simulation's own endpoints names the field", async () => {
    const rows: [string, unknown, string][] = [
      ["settings", { provisionSeconds: "soon" }, "/provisionSeconds"],
      ["settings", { colour: 1 }, "/colour"],
      ["faults", [{ error: "X", probability: 2 }], "/0/probability"],
      ["faults", [{ error: "X", hang: true }], "/0/error"],
      ["faults", [{ error: "X", sometimes: true }], "/0/sometimes"],
    ];
    for (const [path, body, pointer] of rows) {
      const answer = await cloud.sim("PUT", path, body);
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toContainEqual({ pointer, message: expect.any(String) });
    }
    expect((await cloud.sim("GET", "calls?since=yesterday")).status).toBe(400);
  });
});

describe("a list", () => {
  test("comes in pages, with identifiers and little else", async () => {
    for (const name of ["c", "a", "b"]) await cloud.create(queue, { QueueName: `queue-${name}`, DelaySeconds: 1 });
    cloud.pass(3);
    const first = await listing(queue, { MaxResults: 2 });
    const rest = await listing(queue, { MaxResults: 2, NextToken: first.NextToken });
    const all = [...(first.ResourceDescriptions ?? []), ...(rest.ResourceDescriptions ?? [])];
    expect(all.map(({ Identifier }) => Identifier?.split("/").at(-1))).toEqual(["queue-a", "queue-b", "queue-c"]);
    expect(Object.keys(JSON.parse(all[0]?.Properties ?? "{}"))).toEqual(["QueueUrl"]);
    expect(rest.NextToken).toBeUndefined();
    await expect(listing(queue, { NextToken: "bm90IGdpdmVu" })).rejects.toMatchObject({
      name: "InvalidRequestException",
    });
  });

  test("needs what the type's list handler needs", async () => {
    await expect(listing("AWS::ApiGateway::Stage")).rejects.toMatchObject({
      name: "InvalidRequestException",
      message: expect.stringMatching(/RestApiId/),
    });
  });
});

test("a protected database is not deleted until its protection is lifted", async () => {
  const type = "AWS::RDS::DBInstance";
  await cloud.made(type, {
    DBInstanceIdentifier: "kept",
    Engine: "postgres",
    DBInstanceClass: "db.t4g.small",
    DeletionProtection: true,
  });
  const end = async () => {
    const { ProgressEvent } = await cloud.client.send(
      new DeleteResourceCommand({ TypeName: type, Identifier: "kept" }),
    );
    cloud.pass(3);
    return (await cloud.client.send(new GetResourceRequestStatusCommand({ RequestToken: ProgressEvent?.RequestToken })))
      .ProgressEvent;
  };
  expect(await end()).toMatchObject({ OperationStatus: "FAILED", ErrorCode: "InvalidRequest" });
  await update("kept", [{ op: "replace", path: "/DeletionProtection", value: false }], type);
  cloud.pass(3);
  expect(await end()).toMatchObject({ OperationStatus: "SUCCESS" });
});
