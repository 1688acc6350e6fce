import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpServer } from "../../../local/http-server.ts";
import { startLambdaEndpoint } from "../../../local/lambda/endpoint.ts";
import { createLambda, type Lambda } from "../../../local/lambda/lambda.ts";
import { accountId, arn, functions, region } from "./functions.ts";

let lambda: Lambda;
let endpoint: HttpServer;
let client: LambdaClient;

beforeAll(async () => {
  lambda = createLambda({ functions, region, accountId });
  endpoint = await startLambdaEndpoint({ lambda, retryDelaysSeconds: [0.05, 0.05] });
  client = new LambdaClient({
    endpoint: endpoint.url,
    region,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await endpoint.close();
  await lambda.close(0);
});

const invoke = (FunctionName: string, event: unknown, more: object = {}) =>
  client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)), ...more }));
const payloadOf = (answer: { Payload?: { transformToString(): string } | undefined }) =>
  JSON.parse(answer.Payload?.transformToString() ?? "nothing");

describe("the real client", () => {
  it("gets the function's answer, by name and by ARN", async () => {
    for (const name of ["behaves", arn("behaves")]) {
      const answer = await invoke(name, { do: "echo", value: { deep: ["ü"] } });
      expect(answer.StatusCode).toBe(200);
      expect(answer.FunctionError).toBeUndefined();
      expect(answer.ExecutedVersion).toBe("$LATEST");
      expect(payloadOf(answer)).toEqual({ deep: ["ü"] });
    }
  });

  it("gets an empty event when it sends none", async () => {
    expect(payloadOf(await client.send(new InvokeCommand({ FunctionName: "behaves" })))).toBeNull();
  });

  it("gets a function's error as a payload marked Unhandled", async () => {
    const answer = await invoke("behaves", { do: "throw" });
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: "Unhandled" });
    expect(payloadOf(answer)).toMatchObject({ errorType: "QuotaExceeded", errorMessage: "no more buckets" });
  });

  it("gets a timeout the same way", async () => {
    const answer = await invoke("hurries", { do: "sleep", ms: 5000 });
    expect(answer.FunctionError).toBe("Unhandled");
    expect(payloadOf(answer).errorType).toBe("Sandbox.Timedout");
  });

  it.each([
    ["nobody", {}, {}, "ResourceNotFoundException"],
    ["behaves", {}, { Qualifier: "7" }, "ResourceNotFoundException"],
    ["nobody", {}, { InvocationType: "DryRun" }, "ResourceNotFoundException"],
    ["behaves", {}, { Payload: Buffer.from("{oops") }, "InvalidRequestContentException"],
    ["behaves", "x".repeat(6 * 1024 * 1024), {}, "RequestTooLargeException"],
    ["behaves", "x".repeat(1024 * 1024), { InvocationType: "Event" }, "RequestTooLargeException"],
    ["behaves", {}, { InvocationType: "Sometimes" }, "InvalidParameterValueException"],
  ])("is refused for %s with %.20s %o: %s", async (name, event, more, error) => {
    await expect(invoke(name, event, more)).rejects.toMatchObject({ name: error });
  });

  it("only asks with DryRun", async () => {
    const before = payloadOf(await invoke("behaves", { do: "count" }));
    expect((await invoke("behaves", { do: "count" }, { InvocationType: "DryRun" })).StatusCode).toBe(204);
    expect(payloadOf(await invoke("behaves", { do: "count" }))).toBe(before + 1);
  });

  it("does not wait for an Event, which is tried three times in all when the function fails", async () => {
    const before = payloadOf(await invoke("behaves", { do: "count" }));
    const answer = await invoke("behaves", { do: "throw" }, { InvocationType: "Event" });
    expect(answer.StatusCode).toBe(202);
    let reads = 0;
    const counted = async () => payloadOf(await invoke("behaves", { do: "count" })) - before - ++reads;
    await expect.poll(counted, { interval: 50 }).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await counted()).toBe(3);
  });
});

it("answers what is no invocation with an error of the protocol", async () => {
  const answer = await fetch(`${endpoint.url}/2015-03-31/functions/behaves`);
  expect(answer.status).toBe(404);
  expect(answer.headers.get("x-amzn-errortype")).toBe("UnknownOperationException");
  const odd = await fetch(`${endpoint.url}/2015-03-31/functions/%25zz/invocations`, { method: "POST" });
  expect(odd.status).toBe(404);
});
