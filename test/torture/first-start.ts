import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openIssuer } from "../../local/api-gateway/issuer.ts";
import { httpClient } from "../support/machine.ts";
import type { Cairn } from "./cairn.ts";

/** How far a first start had come when it was killed. */
export type FirstStage = "making its cluster" | "migrating" | "up";

/**
 * Kills the first start of a new home, initdb, the store's migrations and all, after these seconds. The next start has to make of
 * what is left a Cairn that takes a team.
 */
export async function killFirstStart(newborn: Cairn, afterSeconds: number): Promise<FirstStage> {
  try {
    newborn.begin();
    await sleep(afterSeconds * 1000);
    await newborn.killAll();
    const stage = stageOf(newborn.home);
    newborn.begin();
    await newborn.ready();
    const token = await (await openIssuer(newborn.home)).sign({ sub: "torture", role: "platform" });
    const { status } = await httpClient(newborn.api, token)("PUT", "/v1/teams/first", {});
    if (status !== 201) throw new Error(`a home whose first start was killed (${stage}) answers ${status}`);
    return stage;
  } finally {
    await newborn.killAll();
    await rm(newborn.home, { recursive: true, force: true });
  }
}

function stageOf(home: string): FirstStage {
  if (existsSync(join(home, "endpoints.json"))) return "up";
  return existsSync(join(home, "postgres", "data")) ? "migrating" : "making its cluster";
}
