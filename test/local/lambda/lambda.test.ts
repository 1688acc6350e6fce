import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLambda, type Lambda } from "../../../local/lambda/lambda.ts";
import { accountId, arn, functions, region } from "./functions.ts";

let lambda: Lambda;
beforeAll(() => {
  lambda = createLambda({ functions, region, accountId });
});
afterAll(() => lambda.close(0));

describe("an invocation", () => {
  it("takes the event and the result through JSON", async () => {
    expect(await lambda.invoke("behaves", { do: "echo", value: [1, { a: null }] })).toEqual({
      ok: true,
      payload: [1, { a: null }],
    });
    expect(await lambda.invoke("behaves", { do: "date" })).toEqual({
      ok: true,
      payload: { at: "1970-01-01T00:00:00.000Z" },
    });
    expect(await lambda.invoke("behaves", { do: "nothing" })).toEqual({ ok: true, payload: null });
  });

  it("goes by name, by partial ARN, by ARN and by its only version", async () => {
    for (const name of ["behaves", `${accountId}:function:behaves`, arn("behaves"), `${arn("behaves")}:$LATEST`]) {
      expect(await lambda.invoke(name, { do: "echo", value: name })).toEqual({ ok: true, payload: name });
    }
  });

  it.each([
    ["nobody", "no such function"],
    [arn("behaves").replace(region, "us-east-1"), "another region"],
    [arn("behaves").replace(accountId, "111111111111"), "another account"],
    [`${arn("behaves")}:7`, "a version that was never published"],
    ["toString", "a member of every object"],
  ])("is refused by the service for %s: %s", async (name) => {
    expect(await lambda.invoke(name, {})).toMatchObject({
      ok: false,
      by: "service",
      error: { errorType: "ResourceNotFoundException" },
    });
  });

  it("has a context that counts down to the function's timeout", async () => {
    const result = await lambda.invoke("behaves", { do: "context" });
    expect(result).toMatchObject({
      payload: { functionName: "behaves", functionVersion: "$LATEST", invokedFunctionArn: arn("behaves") },
    });
    const payload = (result as { payload: { remaining: number; awsRequestId: string } }).payload;
    expect(payload.awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(payload.remaining).toBeGreaterThan(2000);
    expect(payload.remaining).toBeLessThanOrEqual(5000);
  });

  it("sees only its own environment variables and Lambda's", async () => {
    process.env.CAIRN_TEST_ELSEWHERE = "not for functions";
    const { payload } = (await lambda.invoke("hurries", { do: "environment" })) as {
      payload: { [name: string]: string };
    };
    expect(payload.AWS_REGION).toBe(region);
    expect(payload.AWS_ACCESS_KEY_ID).toBe("local-hurries");
    expect(payload.AWS_LAMBDA_FUNCTION_NAME).toBe("hurries");
    expect(Object.keys(payload).filter((name) => !name.startsWith("AWS_"))).toEqual([]);
    const other = (await lambda.invoke("behaves", { do: "environment" })) as { payload: { [name: string]: string } };
    expect(other.payload.GREETING).toBe("hello");
  });

  it("runs beside others of the same function", async () => {
    const started = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => lambda.invoke("behaves", { do: "sleep", ms: 600 })));
    expect(performance.now() - started).toBeLessThan(2900);
  });
});

describe("an error", () => {
  it("has the thrown error's name, message and trace", async () => {
    const result = await lambda.invoke("behaves", { do: "throw" });
    expect(result).toMatchObject({
      ok: false,
      by: "function",
      error: { errorType: "QuotaExceeded", errorMessage: "no more buckets", trace: expect.any(Array) },
    });
  });

  it.each([
    ["behaves", { do: "throw text" }, "string", "just text"],
    ["behaves", { do: "bigint" }, "Runtime.MarshalError", "BigInt"],
    ["behaves", { do: "large", size: 6_291_600 }, "Function.ResponseSizeTooLarge", "6291556 bytes"],
    ["no-handler", {}, "Runtime.HandlerNotFound", "no-handler.handler is undefined or not exported"],
    ["broken", {}, "RangeError", "the module fails to load"],
    ["missing", {}, "Runtime.ImportModuleError", "Cannot find module"],
  ])("of %s doing %o is %s", async (name, event, errorType, message) => {
    const result = await lambda.invoke(name, event);
    expect(result).toMatchObject({ ok: false, by: "function", error: { errorType } });
    expect((result as { error: { errorMessage: string } }).error.errorMessage).toContain(message);
  });

  it("of a function that failed to load comes again with the next invocation", async () => {
    expect(await lambda.invoke("broken", {})).toMatchObject({ ok: false, error: { errorType: "RangeError" } });
  });

  it("is the service's for a request above 6 MB, which the function never sees", async () => {
    const before = await lambda.invoke("behaves", { do: "count" });
    expect(await lambda.invoke("behaves", { do: "x".repeat(6 * 1024 * 1024) })).toMatchObject({
      ok: false,
      by: "service",
      error: { errorType: "RequestTooLargeException" },
    });
    const after = await lambda.invoke("behaves", { do: "count" });
    expect((after as { payload: number }).payload).toBe((before as { payload: number }).payload + 1);
  });
});

describe("an environment that dies", () => {
  it("by exit is Runtime.ExitError, and the next invocation gets a fresh one", async () => {
    expect(await lambda.invoke("behaves", { do: "exit" })).toMatchObject({
      ok: false,
      error: {
        errorType: "Runtime.ExitError",
        errorMessage: expect.stringMatching(
          /^RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3$/,
        ),
      },
    });
    expect(await lambda.invoke("behaves", { do: "count" })).toEqual({ ok: true, payload: 1 });
  });

  it("by a rejection that nobody handled says so, and the next invocation gets a fresh one", async () => {
    expect(await lambda.invoke("behaves", { do: "reject unseen" })).toMatchObject({
      ok: false,
      error: { errorType: "Runtime.UnhandledPromiseRejection", errorMessage: "Error: nobody awaits me" },
    });
    expect(await lambda.invoke("behaves", { do: "count" })).toEqual({ ok: true, payload: 1 });
  });
});

describe("an error that escapes the handler", () => {
  it("ends every invocation of its environment, and the next one gets a fresh one", async () => {
    await lambda.invoke("behaves", { do: "count" });
    const beside = lambda.invoke("behaves", { do: "sleep", ms: 60_000 });
    const escaped = { ok: false, error: { errorType: "QuotaExceeded", errorMessage: "from a callback" } };
    expect(await lambda.invoke("behaves", { do: "throw later" })).toMatchObject(escaped);
    expect(await beside).toMatchObject(escaped);
    expect(await lambda.invoke("behaves", { do: "count" })).toEqual({ ok: true, payload: 1 });
  });
});

describe("the timeout", () => {
  const timedOut = {
    ok: false,
    by: "function",
    error: {
      errorType: "Sandbox.Timedout",
      errorMessage: expect.stringMatching(/^RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.30 seconds$/),
    },
  };

  it("ends a function that waits too long, and the next invocation gets a fresh environment", async () => {
    await lambda.invoke("hurries", { do: "count" });
    expect(await lambda.invoke("hurries", { do: "sleep", ms: 5000 })).toMatchObject(timedOut);
    expect(await lambda.invoke("hurries", { do: "count" })).toEqual({ ok: true, payload: 1 });
  });

  it("ends even a function that never yields", async () => {
    expect(await lambda.invoke("hurries", { do: "spin" })).toMatchObject(timedOut);
    expect(await lambda.invoke("hurries", { do: "count" })).toEqual({ ok: true, payload: 1 });
  });

  it("leaves nothing of a hung function behind", async () => {
    let ticks = 0;
    const own = createLambda({ functions, region, accountId, log: () => (ticks += 1) });
    expect(await own.invoke("hurries", { do: "tick for ever" })).toMatchObject(timedOut);
    expect(ticks).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const after = ticks;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(ticks).toBe(after);
    await own.close(0);
  });

  it("lets the others of the environment finish", async () => {
    await lambda.invoke("patient", { do: "count" });
    const hung = lambda.invoke("patient", { do: "sleep", ms: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const other = lambda.invoke("patient", { do: "sleep", ms: 700 });
    expect(await hung).toMatchObject({ ok: false, error: { errorType: "Sandbox.Timedout" } });
    expect(await lambda.invoke("patient", { do: "count" })).toEqual({ ok: true, payload: 1 });
    expect(await other).toEqual({ ok: true, payload: { slept: 700 } });
  });
});

describe("provisioned", () => {
  it("a function loads before it is invoked, and one that cannot says why, in the log too", async () => {
    const printed: string[] = [];
    const own = createLambda({ functions, region, accountId, log: (name, text) => printed.push(`${name}: ${text}`) });
    expect(await own.provision("behaves")).toBeUndefined();
    expect(await own.provision("broken")).toMatchObject({ errorType: "RangeError" });
    expect(printed).toEqual(["broken: does not load: RangeError: the module fails to load"]);
    await own.close(0);
  });
});

describe("close", () => {
  it("waits for what runs, ends what lasts too long, and takes nothing new", async () => {
    const own = createLambda({ functions, region, accountId });
    const short = own.invoke("behaves", { do: "sleep", ms: 100 });
    await own.invoke("behaves", { do: "count" });
    const long = own.invoke("behaves", { do: "sleep", ms: 4000 });
    await own.close(300);
    expect(await short).toEqual({ ok: true, payload: { slept: 100 } });
    expect(await long).toMatchObject({ ok: false, error: { errorType: "Runtime.ExitError" } });
    expect(await own.invoke("behaves", {})).toMatchObject({ ok: false, by: "service" });
  });

  it("hands what functions print to the log", async () => {
    const printed: string[] = [];
    const source = "export const handler = async (event) => { console.log('seen', event.n); console.error('warned'); }";
    const own = createLambda({
      functions: { prints: { entry: `data:text/javascript,${source}`, timeoutSeconds: 5, environment: {} } },
      region,
      accountId,
      log: (name, text) => printed.push(`${name}: ${text}`),
    });
    await own.invoke("prints", { n: 7 });
    await expect.poll(() => printed.sort()).toEqual(["prints: seen 7\n", "prints: warned\n"]);
    await own.close(0);
  });
});
