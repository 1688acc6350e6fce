import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestCloud, type TestCloud } from "./with-cloud.ts";

let cloud: TestCloud;
beforeEach(async () => {
  cloud = await startTestCloud();
});
afterEach(async () => {
  await cloud.stop();
  cloud.remove();
});

const bucket = "AWS::S3::Bucket";
const alive = async () => {
  cloud.pass(3);
  return (await cloud.sim("GET", "ledger")).body.items.map(({ identifier }) => identifier);
};
const plant = async (fault: object) => {
  expect((await cloud.sim("PUT", "faults", [{ operation: "CreateResource", times: 1, ...fault }])).status).toBe(200);
};

describe("a fault", () => {
  test("before the effect leaves nothing behind, as often as it was asked for", async () => {
    await plant({ error: "ServiceInternalErrorException", times: 2 });
    for (const _ of [1, 2]) {
      await expect(cloud.create(bucket, { BucketName: "files" }, "t")).rejects.toMatchObject({
        name: "ServiceInternalErrorException",
      });
    }
    expect(await alive()).toEqual([]);
    await cloud.create(bucket, { BucketName: "files" }, "t");
    expect(await alive()).toEqual(["files"]);
  });

  test.each([
    ["an error", { error: "NetworkFailureException" }],
    ["a dropped connection", { drop: true }],
  ])("after the effect loses the answer to %s, and the replay finds what was made", async (_, fault) => {
    await plant({ ...fault, when: "after" });
    await expect(cloud.create(bucket, { BucketName: "files" }, "t")).rejects.toThrow();
    expect(await alive()).toEqual(["files"]);
    expect(await cloud.create(bucket, { BucketName: "files" }, "t")).toMatchObject({ OperationStatus: "SUCCESS" });
  });

  test("that hangs answers nothing, and the effect is there", async () => {
    await plant({ hang: true, when: "after" });
    const answer = await Promise.race([
      cloud.create(bucket, { BucketName: "files" }).catch(() => "gave up"),
      new Promise((resolve) => setTimeout(() => resolve("nothing"), 300)),
    ]);
    expect(answer).toBe("nothing");
    expect(await alive()).toEqual(["files"]);
  });

  test.each([
    ["before", [], "FAILED"],
    ["after", ["files"], "FAILED"],
  ])("in the handler %s the effect fails the request, not the call", async (when, left, status) => {
    await plant({ stage: "handler", error: "NetworkFailureException", when });
    const event = await cloud.made(bucket, { BucketName: "files" });
    expect(event).toMatchObject({ OperationStatus: status, ErrorCode: "NetworkFailure" });
    expect(await alive()).toEqual(left);
  });

  test("in a handler that hangs keeps the request in progress", async () => {
    await plant({ stage: "handler", hang: true });
    const event = await cloud.create(bucket, { BucketName: "files" });
    cloud.pass(86_400);
    expect(await cloud.status(event.RequestToken)).toMatchObject({ OperationStatus: "IN_PROGRESS" });
  });

  test("strikes only the operation and type it names", async () => {
    await plant({ typeName: "AWS::SQS::Queue", error: "ThrottlingException", times: null });
    await cloud.create(bucket, { BucketName: "files" });
    await expect(cloud.create("AWS::SQS::Queue", {})).rejects.toMatchObject({ name: "ThrottlingException" });
  });
});

test("too many calls at once are throttled, and a rest helps", async () => {
  await cloud.sim("PUT", "settings", { requestsPerSecond: 1, burst: 2 });
  const create = () => cloud.create(bucket, {});
  await create();
  await create();
  await expect(create()).rejects.toMatchObject({ name: "ThrottlingException" });
  cloud.pass(1.5);
  await create();
});

test("every call is on record with what its caller saw", async () => {
  await plant({ error: "ThrottlingException" });
  await cloud.create(bucket, { BucketName: "files" }, "t").catch(() => undefined);
  const since = new Date(Date.now() + 1000).toISOString();
  cloud.pass(2);
  await cloud.made(bucket, { BucketName: "files" }, "t");
  const all = (await cloud.sim("GET", "calls")).body.items;
  expect(all).toMatchObject([
    { operation: "CreateResource", typeName: bucket, clientToken: "t", result: "ThrottlingException" },
    { operation: "CreateResource", identifier: "files", result: "ok" },
    { operation: "GetResourceRequestStatus", typeName: bucket, result: "ok" },
  ]);
  expect((await cloud.sim("GET", `calls?since=${since}`)).body.items).toHaveLength(2);
});

test("a cloud that was closed goes on where it was", async () => {
  await cloud.sim("PUT", "settings", { provisionSeconds: 1 });
  await cloud.made(bucket, { BucketName: "before" });
  const event = await cloud.create(bucket, { BucketName: "under-way" }, "t");
  const { home } = cloud;
  await cloud.stop();
  cloud = await startTestCloud(home);
  cloud.pass(10);
  expect((await cloud.sim("GET", "settings")).body.provisionSeconds).toBe(1);
  expect(await cloud.create(bucket, { BucketName: "under-way" }, "t")).toMatchObject({
    RequestToken: event.RequestToken,
    OperationStatus: "SUCCESS",
  });
  expect(await alive()).toEqual(["before", "under-way"]);
});
