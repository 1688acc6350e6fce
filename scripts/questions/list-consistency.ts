import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type CloudControlClient, GetResourceCommand, ListResourcesCommand } from "@aws-sdk/client-cloudcontrol";
import { graceSeconds } from "../../providers/aws/token-life.ts";
import type { Clients, Finding } from "./question.ts";
import { made, removed } from "./requests.ts";

/** Its identifier is AWS's to make, so what an interrupted create has made is found in a list or not at all. */
const type = "AWS::SNS::Topic";
const samples = 3;

/** How long a list, and a look, may deny what was just made, and show what is gone: the grace of law F15. */
export async function* listConsistency({ patient }: Clients): AsyncGenerator<Finding> {
  const longest = { listed: 0, read: 0, unlisted: 0 };
  for (let sample = 0; sample < samples; sample++) {
    const topic = { TopicName: `cairn-question-${randomUUID()}` };
    const { Identifier: arn = "" } = await made(patient, type, topic, randomUUID());
    try {
      longest.listed = Math.max(longest.listed, await secondsUntil(() => isListed(patient, arn)));
      longest.read = Math.max(longest.read, await secondsUntil(() => isThere(patient, arn)));
    } finally {
      await removed(patient, type, arn);
    }
    longest.unlisted = Math.max(longest.unlisted, await secondsUntil(async () => !(await isListed(patient, arn))));
  }
  for (const [what, seconds] of [
    ["a list shows what was made", longest.listed],
    ["a look shows what was made", longest.read],
    ["a list leaves out what was deleted", longest.unlisted],
  ] as const) {
    const within = seconds <= graceSeconds ? `within ${graceSeconds} s` : "later";
    yield {
      what: `${what} (${seconds.toFixed(1)} s at most, of ${samples})`,
      answer: within,
      assumed: `within ${graceSeconds} s`,
    };
  }
}

async function isListed(client: CloudControlClient, arn: string): Promise<boolean> {
  let next: string | undefined;
  do {
    const page = await client.send(new ListResourcesCommand({ TypeName: type, MaxResults: 100, NextToken: next }));
    if (page.ResourceDescriptions?.some(({ Identifier }) => Identifier === arn)) return true;
    next = page.NextToken;
  } while (next !== undefined);
  return false;
}

async function isThere(client: CloudControlClient, Identifier: string): Promise<boolean> {
  try {
    await client.send(new GetResourceCommand({ TypeName: type, Identifier }));
    return true;
  } catch (error) {
    if ((error as Error).name === "ResourceNotFoundException") return false;
    throw error;
  }
}

/** Asks once a second, for twice the grace at most. */
async function secondsUntil(holds: () => Promise<boolean>): Promise<number> {
  const since = performance.now();
  const passed = () => (performance.now() - since) / 1000;
  while (!(await holds())) {
    if (passed() > 2 * graceSeconds) return Number.POSITIVE_INFINITY;
    await sleep(1000);
  }
  return passed();
}
