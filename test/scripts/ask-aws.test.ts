import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestCloud, type TestCloud } from "../local/cloud-control/with-cloud.ts";

const command = fileURLToPath(new URL("../../scripts/ask-aws.ts", import.meta.url));
let cloud: TestCloud;
beforeEach(async () => {
  cloud = await startTestCloud();
  await cloud.sim("PUT", "settings", { requestsPerSecond: null, provisionSeconds: 0.05 });
});
afterEach(async () => {
  await cloud.stop();
  cloud.remove();
});

/** The command as a person runs it, with the simulated cloud in AWS's place. */
async function ask(...words: string[]): Promise<{ code: number; said: string }> {
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL_CLOUDCONTROL: cloud.url,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "any",
    AWS_SECRET_ACCESS_KEY: "any",
  };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [command, ...words], { env });
    return { code: 0, said: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: stdout + stderr };
  }
}

async function leftBehind(): Promise<unknown[]> {
  const { body } = await cloud.sim("GET", "ledger");
  return body.items.filter(({ deletedAt }) => deletedAt === null);
}

describe("what only a real account can answer", () => {
  test.each(["token-replay", "list-consistency"])("%s: the simulated cloud does as Cairn assumes", async (question) => {
    const { code, said } = await ask(question);
    expect([said, code]).toEqual([expect.not.stringMatching(/^!/m), 0]);
    expect(said.trim().split("\n").length).toBeGreaterThanOrEqual(3);
    expect(await leftBehind()).toEqual([]);
  });

  test("token-replay: another answer than the assumed one is pointed out", async () => {
    await cloud.sim("PUT", "settings", { replay: "conflict" });
    const { code, said } = await ask("token-replay");
    expect(code).toBe(1);
    expect(said).toContain("! a token replayed after its request succeeded: ClientTokenConflictException");
    expect(await leftBehind()).toEqual([]);
  });

  test("read-rate: finds the rate at which looks are throttled", async () => {
    await cloud.sim("PUT", "settings", { requestsPerSecond: 4, burst: 4 });
    const { code, said } = await ask("read-rate");
    expect(code).toBe(1);
    expect(said).toMatch(/^! 10 looks a second for 3 s: \d+ of 30 throttled/m);
    expect(await leftBehind()).toEqual([]);
  });

  test.each([[[]], [["token-reply"]], [["toString"]], [["token-replay", "read-rate"]]])(
    "%j is no question, and says which there are",
    async (words) => {
      const { code, said } = await ask(...words);
      expect(code).toBe(2);
      expect(said).toContain("token-replay, list-consistency, read-rate");
    },
  );
});
