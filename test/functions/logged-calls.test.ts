import { CreateResourceCommand, GetResourceCommand } from "@aws-sdk/client-cloudcontrol";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { logging } from "../../functions/log.ts";
import { loggedCalls } from "../../functions/logged-calls.ts";
import { clientOf, startTestCloud, type TestCloud } from "../local/cloud-control/with-cloud.ts";

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startTestCloud();
  await cloud.sim("PUT", "settings", { provisionSeconds: 1, requestsPerSecond: 1000, burst: 1000 });
});
afterAll(async () => {
  await cloud?.stop();
  cloud?.remove();
});

let lines: string[] = [];
beforeEach(() => {
  lines = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

const client = () => loggedCalls(clientOf(cloud.url), "test");
const line = () => JSON.parse(lines.at(-1) ?? "{}") as { [field: string]: unknown };
const measured = ({ ProviderCalls, ProviderThrottles, ProviderFailures }: { [field: string]: unknown }) => [
  ProviderCalls,
  ProviderThrottles,
  ProviderFailures,
];

test("a change is logged with its tokens and what it is for, and never with a value", async () => {
  const DesiredState = JSON.stringify({ BucketName: "orders-files", Tags: [{ Key: "secret", Value: "canary-1" }] });
  const command = new CreateResourceCommand({ TypeName: "AWS::S3::Bucket", DesiredState, ClientToken: "token-1" });
  const answer = await logging({ resource: "r-1" }, () => client().send(command));
  expect(line()).toMatchObject({
    level: "info",
    message: "provider call",
    resource: "r-1",
    call: "CreateResource",
    outcome: "ok",
    clientToken: "token-1",
    requestToken: answer.ProgressEvent?.RequestToken,
    status: "IN_PROGRESS",
    Stage: "test",
  });
  expect(measured(line())).toEqual([1, 0, 0]);
  expect(lines.join()).not.toContain("canary");
});

test("is a measurement as CloudWatch reads it: each metric named once, with its unit and a number beside", async () => {
  await client()
    .send(new GetResourceCommand({ TypeName: "AWS::S3::Bucket", Identifier: "none" }))
    .catch(() => undefined);
  const { _aws, ...fields } = line() as {
    _aws: { Timestamp: number; CloudWatchMetrics: { Metrics: { Name: string; Unit: string }[] }[] };
    [field: string]: unknown;
  };
  expect(_aws).toEqual({
    Timestamp: expect.any(Number),
    CloudWatchMetrics: [{ Namespace: "Cairn", Dimensions: [["Stage"]], Metrics: expect.any(Array) }],
  });
  expect(Math.abs(Date.now() - _aws.Timestamp)).toBeLessThan(60_000);
  const metrics = _aws.CloudWatchMetrics[0]?.Metrics ?? [];
  expect(metrics.map(({ Name, Unit }) => `${Name} ${Unit}`)).toEqual([
    "ProviderCalls Count",
    "ProviderThrottles Count",
    "ProviderFailures Count",
    "ProviderLatency Milliseconds",
  ]);
  for (const { Name } of metrics) expect(fields[Name]).toBeTypeOf("number");
});

test.each([
  ["ResourceNotFoundException", null, [1, 0, 0]],
  ["ThrottlingException", { error: "ThrottlingException" }, [1, 1, 0]],
  ["ServiceInternalErrorException", { error: "ServiceInternalErrorException" }, [1, 0, 1]],
  ["TimeoutError", { drop: true }, [1, 0, 1]],
] as const)("an outcome of %s counts as what it is, and is thrown all the same", async (outcome, fault, counted) => {
  const faults = fault === null ? [] : [{ operation: "*", typeName: "*", when: "before", stage: "call", ...fault }];
  await cloud.sim("PUT", "faults", faults);
  const looking = client().send(new GetResourceCommand({ TypeName: "AWS::S3::Bucket", Identifier: "none" }));
  await expect(looking).rejects.toMatchObject({ name: outcome });
  expect([line().outcome, measured(line())]).toEqual([outcome, counted]);
});
