import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { apiClient } from "./api-client.ts";
import type { Home } from "./home/open-home.ts";
import { createProgress } from "./progress.ts";
import type { Machine } from "./start-machine.ts";

type Part = { id: string; name: string; type: string; status: string };
type IntentAnswer = { id: string; status: string; resources: Part[] };
type ResourceAnswer = { status: string; outputs: { [key: string]: unknown }; reason: { message: string } | null };

const intentFile = new URL("../examples/orders.json", import.meta.url);
/** Whose the example is. */
export const exampleTeam = "payments";
const terminal = new Set(["READY", "FAILED", "DELETED", "SUPERSEDED"]);

/** Says in a new home that the example is still to be sent, under which key: a start that is cut off changes nothing about it. */
export async function markExample(home: Home, marker: string): Promise<void> {
  await home.writeAtomically(marker, JSON.stringify({ key: randomUUID() }));
}

/**
 * Sends the example through the API as its team would, shows each resource's way to READY and prints the outputs.
 *
 * @param marker a file in the home that says the example is not done yet; its key makes a repetition the same request
 * @param stopping aborted when nothing more is to be shown: a display that is drawn again would write over what was said last
 */
export async function runExample(machine: Machine, marker: string, stopping: AbortSignal): Promise<void> {
  const { key } = JSON.parse(await readFile(marker, "utf8")) as { key: string };

  const platform = apiClient(machine, await machine.token({ sub: "npm-start", role: "platform" }));
  await platform("PUT", `/v1/teams/${exampleTeam}`, { name: "Payments", contact: "payments@example.com" });
  const developer = apiClient(machine, await machine.token({ sub: "npm-start", role: "developer", team: exampleTeam }));
  const document = JSON.parse(await readFile(intentFile, "utf8")) as unknown;
  console.log("Sending examples/orders.json: a service called orders wants seven resources in staging.\n");
  const accepted = await developer<IntentAnswer>("POST", "/v1/intents", document, { "idempotency-key": key });

  const progress = createProgress(process.stdout);
  // What was accepted says how it began, also when this start goes on with an earlier one's: what is now is read.
  const now = () => developer<IntentAnswer>("GET", `/v1/intents/${accepted.id}`);
  let intent = await now();
  while (!stopping.aborted) {
    progress.show(intent.resources);
    if (terminal.has(intent.status)) break;
    await sleep(250);
    intent = await now();
  }
  if (stopping.aborted) return;
  progress.end();

  for (const { id, name } of intent.resources) {
    const { outputs, reason } = await developer<ResourceAnswer>("GET", `/v1/resources/${id}`);
    console.log(`\n${name}${reason === null ? "" : `: ${reason.message}`}`);
    for (const [output, value] of Object.entries(outputs)) console.log(`  ${output.padEnd(10)} ${String(value)}`);
  }
  await rm(marker, { force: true });
}
