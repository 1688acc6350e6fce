import { randomUUID } from "node:crypto";
import { CreateResourceCommand, DeleteResourceCommand } from "@aws-sdk/client-cloudcontrol";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { hashOf } from "../../../core/json.ts";
import type { ProviderCall } from "../../../core/provider.ts";
import { afresh } from "../contract.ts";
import { converge } from "../converge.ts";
import { type AwsStage, type SimCall, startAwsStage } from "./stage.ts";

describe("the aws provider", () => {
  let stage: AwsStage;
  beforeAll(async () => {
    stage = await startAwsStage();
  });
  afterAll(() => stage.stop());
  beforeEach(async () => {
    stage.network.reset();
    await stage.simulation("faults", []);
    await stage.simulation("settings", { provisionSeconds: 0.02, requestsPerSecond: null, replay: "event" });
  });

  const ready = (call: ProviderCall) => converge(stage.provider, call, "ready");
  const callsSoFar = async () => ((await stage.simulation("calls")) as { items: SimCall[] }).items;
  const handlerFault = (error: string, operation = "CreateResource") =>
    stage.simulation("faults", [{ operation, stage: "handler", error, times: 1 }]);

  test.each([
    { kind: "AWS::S3::Bucket", name: "BucketName", first: "GetResource" },
    { kind: "AWS::SQS::Queue", name: "QueueName", first: "ListResources" },
  ])("makes $kind with four calls", async ({ kind, name, first }) => {
    await stage.simulation("settings", { provisionSeconds: 0 });
    const since = new Date().toISOString();
    const { trace } = await ready(stage.callFor(kind, name));
    const { items } = (await stage.simulation(`calls?since=${since}`)) as { items: SimCall[] };
    expect(trace).toEqual(["absent", "accepted", "ready"]);
    expect(items.map(({ operation }) => operation)).toEqual([
      first,
      "CreateResource",
      "GetResourceRequestStatus",
      "GetResource",
    ]);
  });

  test.each([
    { kind: "AWS::SecretsManager::Secret", name: "Name" },
    { kind: "AWS::SQS::Queue", name: "QueueName" },
    { kind: "AWS::SNS::Topic", name: "TopicName" },
  ])("finds its $kind among others after the answer was lost", async ({ kind, name }) => {
    for (let other = 0; other < 3; other += 1) await ready(stage.callFor(kind, name));
    const call = stage.callFor(kind, name);
    stage.network.reset((_, operation) => (operation === "CreateResource" ? "drop-after" : null));
    expect(await stage.provider.apply(call, { state: "absent" })).toMatchObject({ outcome: "unknown" });
    await new Promise((done) => setTimeout(done, 60));
    expect(await stage.provider.observe({ ...call, tokenAgeSeconds: 1 })).toMatchObject({ state: "ready" });
    expect(await stage.live(call)).toHaveLength(1);
  });

  test("replays its token while the object is on its way, or a type without unique names would get two", async () => {
    await stage.simulation("settings", { provisionSeconds: 0.3 });
    const call = stage.callFor("AWS::EC2::VPC", "Name", { CidrBlock: "10.0.0.0/16" });
    const { Name: _name, ...desired } = call.desired;
    let creates = 0;
    stage.network.reset((_, operation) => {
      if (operation === "CreateResource") creates += 1;
      return operation === "CreateResource" && creates === 1 ? "drop-after" : null;
    });
    await ready({ ...call, desired });
    await new Promise((done) => setTimeout(done, 400));
    const { items } = (await stage.simulation("ledger")) as { items: { typeName: string }[] };
    expect({ creates, objects: items.filter(({ typeName }) => typeName === call.kind).length }).toEqual({
      creates: 2,
      objects: 1,
    });
  });

  test("follows the first request where a replay of its token is answered with a conflict", async () => {
    await stage.simulation("settings", { replay: "conflict", provisionSeconds: 0.2 });
    const call = stage.newCall();
    stage.network.reset((nth, operation) => (operation === "CreateResource" && nth === 2 ? "drop-after" : null));
    expect((await ready(call)).trace).toContain("unknown");
    expect(await stage.live(call)).toHaveLength(1);
  });

  test("does not know yet where its token conflicts and nothing names the object, which the service has answered", async () => {
    await stage.simulation("settings", { replay: "conflict", provisionSeconds: 0.3 });
    const call = stage.callFor("AWS::SQS::Queue", "QueueName");
    await stage.provider.apply(call, { state: "absent" });
    expect(await stage.provider.apply({ ...call, tokenAgeSeconds: 1 }, { state: "absent" })).toMatchObject({
      outcome: "unknown",
      failure: { code: "TOKEN_CONFLICT", answered: true },
    });
  });

  test("follows the running request when its token is refused, and gives the token up when nothing runs", async () => {
    await stage.simulation("settings", { provisionSeconds: 0.2 });
    const call = stage.newCall();
    const first = await stage.provider.apply(call, { state: "absent" });
    const other = {
      ...call,
      tokenAgeSeconds: 1,
      desired: { ...call.desired, VersioningConfiguration: { Status: "Enabled" } },
    };
    expect(await stage.provider.apply(other, { state: "absent" })).toMatchObject(
      first.outcome === "accepted" ? { outcome: "accepted", request: first.request } : {},
    );
    await new Promise((done) => setTimeout(done, 300));
    expect(await stage.provider.apply(other, { state: "absent" })).toMatchObject({
      outcome: "rejected",
      failure: { code: "TOKEN_SPENT", transient: true },
    });
  });

  test("never replays a token that AWS has forgotten (F3)", async () => {
    const call = { ...stage.newCall(), tokenAgeSeconds: 36 * 3600 };
    expect(await stage.provider.apply(call, { state: "absent" })).toMatchObject({
      outcome: "rejected",
      failure: { code: "TOKEN_SPENT", transient: true },
    });
    expect(stage.network.calls).toEqual([]);
  });

  test("tries again under a new token what failed and may pass", async () => {
    await handlerFault("ServiceInternalError");
    const { call, trace } = await ready(stage.newCall());
    expect(trace.filter((step) => step === "accepted")).toHaveLength(2);
    expect(await stage.live(call)).toHaveLength(1);
  });

  test.each(["InvalidRequest", "AccessDenied", "ServiceLimitExceeded"])(
    "says that %s does not pass by itself",
    async (error) => {
      await handlerFault(error);
      const { last } = await ready(stage.newCall());
      expect(last).toMatchObject({
        state: "absent",
        failed: { transient: false, message: expect.stringContaining("AWS::S3::Bucket") },
      });
    },
  );

  test("waits when AWS does not know yet what it has just made (F15)", async () => {
    const { call, last } = await ready(stage.newCall());
    const Identifier = last.state === "ready" ? last.identifier : "";
    await stage.client.send(new DeleteResourceCommand({ TypeName: call.kind, Identifier }));
    await new Promise((done) => setTimeout(done, 60));
    expect(await stage.provider.observe(call)).toMatchObject({ state: "progressing" });
    expect(await stage.provider.observe(afresh(call))).toEqual({ state: "absent" });
  });

  test.each([3, 10])("waits as long by a clock that is %i minutes fast (F12)", async (minutes) => {
    const { call, last } = await ready(stage.newCall());
    const Identifier = last.state === "ready" ? last.identifier : "";
    await stage.client.send(new DeleteResourceCommand({ TypeName: call.kind, Identifier }));
    await new Promise((done) => setTimeout(done, 60));
    vi.setSystemTime(Date.now() + minutes * 60_000);
    try {
      const seen = await stage.provider.observe({ ...call, tokenAgeSeconds: 1 });
      expect(seen).toEqual({ state: "progressing", retryAfterSeconds: 5 });
    } finally {
      vi.useRealTimers();
    }
  });

  test.each(["ServiceInternalErrorException", "ThrottlingException"])(
    "makes a call that fails with %s once: trying again is the operation's affair alone (F6)",
    async (error) => {
      const { call } = await ready(stage.newCall());
      await stage.simulation("faults", [{ error }]);
      const identifier = call.identifier ?? "";
      const fresh = afresh(call);
      for (const step of [
        () => stage.provider.observe(fresh),
        () => stage.provider.observe(call),
        () => stage.provider.apply(fresh, { state: "absent" }),
        () => stage.provider.apply(fresh, { state: "drifted", identifier }),
        () => stage.provider.destroy(fresh, { identifier }),
      ]) {
        const since = (await callsSoFar()).length;
        await step();
        expect((await callsSoFar()).slice(since)).toMatchObject([{ result: error }]);
      }
    },
  );

  test("defers what is busy or gone at this moment, which is no word about the service", async () => {
    const { call } = await ready(stage.callFor("AWS::SQS::Queue", "QueueName", { DelaySeconds: 5 }));
    const identifier = call.identifier ?? "";
    const longer = { ...afresh(call), desired: { ...call.desired, DelaySeconds: 6 } };
    await stage.simulation("settings", { provisionSeconds: 0.5 });
    await stage.update(call.kind, identifier, [{ op: "add", path: "/VisibilityTimeout", value: 9 }]);
    const busy = {
      outcome: "deferred",
      failure: {
        code: "CONCURRENT_OPERATION",
        message: "AWS::SQS::Queue: another change of it is under way; it is tried again",
        transient: true,
      },
    };
    expect(await stage.provider.apply(longer, { state: "drifted", identifier })).toMatchObject(busy);
    expect(await stage.provider.destroy(afresh(call), { identifier })).toMatchObject(busy);
    await stage.simulation("faults", [{ operation: "GetResource", error: "ResourceNotFoundException" }]);
    expect(await stage.provider.apply(longer, { state: "drifted", identifier })).toMatchObject({
      outcome: "deferred",
      failure: { code: "NOT_FOUND", transient: true },
    });
  });

  test("does not believe an update's NotFound at once, of the call or of its handler (F15)", async () => {
    const { call } = await ready(stage.callFor("AWS::SQS::Queue", "QueueName", { DelaySeconds: 5 }));
    const identifier = call.identifier ?? "";
    const longer = { ...afresh(call), desired: { ...call.desired, DelaySeconds: 6 } };
    await stage.simulation("faults", [
      { operation: "UpdateResource", error: "ResourceNotFoundException", times: 1 },
      { operation: "UpdateResource", stage: "handler", error: "NotFound", times: 1 },
    ]);
    expect(await stage.provider.apply(longer, { state: "drifted", identifier })).toMatchObject({
      outcome: "deferred",
      failure: { code: "NOT_FOUND", transient: true },
    });
    const { last, call: changed, trace } = await ready(longer);
    expect(last.state).toBe("ready");
    expect(trace.filter((step) => step === "accepted")).toHaveLength(2);
    expect(changed.token, "a handler's word uses the token up").not.toBe(longer.token);
    expect(await stage.live(call)).toHaveLength(1);
  });

  test("makes a secret beside more than it would read, whose names have separators in them", async () => {
    await stage.simulation("settings", { provisionSeconds: 0 });
    const call = stage.callFor("AWS::SecretsManager::Secret", "Name");
    const others = Array.from({ length: 45 }, (_, other) => JSON.stringify({ Name: `0/${other}` }));
    await Promise.all(
      others.map((DesiredState) => stage.client.send(new CreateResourceCommand({ TypeName: call.kind, DesiredState }))),
    );
    stage.network.reset();
    expect(await stage.provider.observe(call)).toEqual({ state: "absent" });
    expect(stage.network.calls).toEqual(["ListResources", "GetResource"]);
    expect((await ready(call)).last.state).toBe("ready");
  });

  test("says how many calls it took to look through a long list: further pages, and reads of others' objects", async () => {
    await stage.simulation("settings", { provisionSeconds: 0 });
    const topic = stage.callFor("AWS::SNS::Topic", "TopicName");
    const make = (TypeName: string, state: object) =>
      stage.client.send(new CreateResourceCommand({ TypeName, DesiredState: JSON.stringify(state) }));
    for (let ten = 0; ten < 22; ten += 1) {
      const names = Array.from({ length: 10 }, (_, one) => `other-${ten}-${one}`);
      await Promise.all(names.map((TopicName) => make(topic.kind, { TopicName })));
    }
    const since = (await callsSoFar()).length;
    expect(await stage.provider.observe(topic)).toEqual({ state: "absent", beyond: 2 });
    expect((await callsSoFar()).slice(since).map(({ operation }) => operation)).toEqual([
      "ListResources",
      "ListResources",
      "ListResources",
      "GetResource",
    ]);

    const vpc = stage.callFor("AWS::EC2::VPC", "Name", { CidrBlock: "10.0.0.0/16" });
    for (let other = 0; other < 3; other += 1) await make(vpc.kind, { CidrBlock: "10.1.0.0/16" });
    stage.network.reset();
    const seen = await stage.provider.observe(vpc);
    const reads = stage.network.calls.filter((name) => name === "GetResource").length;
    expect(reads).toBeGreaterThanOrEqual(3);
    expect(seen).toEqual({ state: "absent", beyond: reads - 1 });
  });

  test("takes neither for the truth when AWS lists an object and does not find it (F15)", async () => {
    const { call } = await ready(stage.callFor("AWS::SQS::Queue", "QueueName"));
    await stage.simulation("faults", [{ operation: "GetResource", error: "ResourceNotFoundException" }]);
    expect(await stage.provider.observe(afresh(call))).toMatchObject({
      state: "unknown",
      failure: { code: "LISTED_AND_NOT_FOUND", transient: true, answered: true },
    });
    await stage.simulation("faults", []);
    expect(await stage.provider.observe(afresh(call))).toMatchObject({ state: "ready" });
    await stage.client.send(new DeleteResourceCommand({ TypeName: call.kind, Identifier: call.identifier ?? "" }));
    await new Promise((done) => setTimeout(done, 60));
    expect(await stage.provider.observe(afresh(call))).toEqual({ state: "absent" });
  });

  test("finds what was removed by others and made anew, although what is recorded is gone", async () => {
    const { call } = await ready(stage.callFor("AWS::SecretsManager::Secret", "Name"));
    const recorded = call.identifier ?? "";
    await stage.client.send(new DeleteResourceCommand({ TypeName: call.kind, Identifier: recorded }));
    await new Promise((done) => setTimeout(done, 60));
    // Made anew, and the answer that named the new one was lost.
    const fresh = afresh(call);
    expect(await stage.provider.apply(fresh, { state: "absent" })).toMatchObject({ outcome: "accepted" });
    await new Promise((done) => setTimeout(done, 60));
    const seen = await stage.provider.observe({ ...fresh, identifier: recorded });
    expect(seen).toMatchObject({ state: "ready" });
    expect(seen).not.toMatchObject({ identifier: recorded });
    expect(await stage.live(call)).toHaveLength(1);
  });

  test("refuses a change that only a replacement can make, and names it", async () => {
    const cache = stage.callFor("AWS::ElastiCache::ServerlessCache", "ServerlessCacheName", {
      Engine: "valkey",
      SubnetIds: ["subnet-1"],
    });
    const { call, last } = await ready(cache);
    const moved = { ...afresh(call), desired: { ...call.desired, SubnetIds: ["subnet-2"] } };
    const identifier = last.state === "ready" ? last.identifier : "";
    expect(await stage.provider.apply(moved, { state: "drifted", identifier })).toMatchObject({
      outcome: "rejected",
      failure: { code: "REPLACEMENT_REQUIRED", message: expect.stringContaining("/SubnetIds"), transient: false },
    });
  });

  test("sends a write-only property again when it is another than was sent last", async () => {
    const { call } = await ready(
      stage.callFor("AWS::SSM::Parameter", "Name", { Type: "String", Value: "v", Description: "old" }),
    );
    const sentHash = hashOf(call.desired);
    expect(await stage.provider.observe({ ...afresh(call), sentHash })).toMatchObject({ state: "ready" });
    const changed = { ...afresh(call), sentHash, desired: { ...call.desired, Description: "new" } };
    expect(await stage.provider.observe(changed)).toMatchObject({
      state: "drifted",
      differences: [{ pointer: "/Description" }],
    });
    stage.network.reset();
    expect((await ready(changed)).last.state).toBe("ready");
    expect(stage.network.calls.filter((name) => name === "UpdateResource")).toHaveLength(1);
  });

  test("keeps a secret out of everything it says", async () => {
    const canary = "c4n4ry-Pa55word";
    const said: unknown[] = [];
    const call = stage.callFor("AWS::SecretsManager::Secret", "Name", { SecretString: canary });
    const made = await ready(call);
    said.push(made.last);
    // A value that AWS refuses is quoted back by many services.
    const refused = stage.callFor("AWS::SecretsManager::Secret", "Name", {
      SecretString: canary,
      KmsKeyId: { wrong: canary },
    });
    said.push(await stage.provider.apply(refused, { state: "absent" }));
    said.push(await stage.provider.observe({ ...afresh(made.call), sentHash: "another" }));
    expect(JSON.stringify(said)).not.toContain(canary);
    expect(said.at(-1)).toMatchObject({ state: "drifted" });
  });

  test("does not take over an object whose owner's tag was taken away, unless it knows the object", async () => {
    const stranger = stage.newCall();
    const { Tags: _tags, ...untagged } = stranger.desired;
    await stage.client.send(
      new CreateResourceCommand({ TypeName: stranger.kind, DesiredState: JSON.stringify(untagged) }),
    );
    await new Promise((done) => setTimeout(done, 60));
    expect(await stage.provider.observe(stranger)).toMatchObject({ state: "unknown", failure: { code: "NOT_OURS" } });

    const { call, last } = await ready(stage.newCall());
    const identifier = last.state === "ready" ? last.identifier : "";
    await stage.update(call.kind, identifier, [{ op: "remove", path: "/Tags" }]);
    expect(await stage.provider.observe(afresh(call))).toMatchObject({ state: "drifted" });
    expect((await ready(afresh(call))).last.state).toBe("ready");
  });

  test("says which kinds it does not know", async () => {
    const call = { ...stage.newCall(), kind: "AWS::No::Such", resourceId: randomUUID() };
    expect(await stage.provider.observe(call)).toMatchObject({
      state: "unknown",
      failure: { code: "UNKNOWN_KIND", transient: false },
    });
  });
});
