import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type CloudControlClient, GetResourceCommand } from "@aws-sdk/client-cloudcontrol";
import type { Clients, Finding } from "./question.ts";
import { made, parameterType, removed } from "./requests.ts";

/** A target's budget where its config names none: 25 calls a second. */
const assumedRate = 25;
const secondsEach = 3;

/** How many looks a second this account and region take before they are throttled. */
export async function* readRate({ once, patient }: Clients): AsyncGenerator<Finding> {
  const desired = { Name: `cairn-question-${randomUUID()}`, Type: "String", Value: "one" };
  await made(patient, parameterType, desired, randomUUID());
  try {
    for (const rate of [10, assumedRate, 40, 60, 100]) {
      const throttled = await throttledOf(once, desired.Name, rate);
      const what = `${rate} looks a second for ${secondsEach} s`;
      const answer = throttled === 0 ? "none throttled" : `${throttled} of ${rate * secondsEach} throttled`;
      yield { what, answer, ...(rate <= assumedRate ? { assumed: "none throttled" } : {}) };
      if (throttled > 0) return;
    }
  } finally {
    await removed(patient, parameterType, desired.Name);
  }
}

async function throttledOf(client: CloudControlClient, Identifier: string, rate: number): Promise<number> {
  const looks: Promise<boolean>[] = [];
  const started = performance.now();
  for (let nth = 0; nth < rate * secondsEach; nth++) {
    await sleep(Math.max(0, started + (nth * 1000) / rate - performance.now()));
    looks.push(isThrottled(client.send(new GetResourceCommand({ TypeName: parameterType, Identifier }))));
  }
  return (await Promise.all(looks)).filter(Boolean).length;
}

async function isThrottled(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return false;
  } catch (error) {
    if ((error as Error).name === "ThrottlingException") return true;
    throw error;
  }
}
