import { apiClient } from "./api-client.ts";
import { exampleTeam } from "./example.ts";
import type { Machine } from "./start-machine.ts";

/** `line` tells who comes back what is here; `newest` is the id of the example's team's last resource. */
export type Found = { line: string; newest: string | undefined };

type Page<Item> = { items: Item[]; nextCursor: string | null };
type Ask = ReturnType<typeof apiClient>;

/** What the API shows of all teams; undefined where there is nothing. */
export async function lookAround(machine: Machine): Promise<Found | undefined> {
  const platform = apiClient(machine, await machine.token({ sub: "npm-start", role: "platform" }));
  const counts = new Map(["READY", "under way", "FAILED"].map((what) => [what, 0]));
  let newest: string | undefined;
  for await (const { team } of all<{ team: string }>(platform, "/v1/teams?")) {
    for await (const { id, status } of all<{ id: string; status: string }>(platform, `/v1/resources?team=${team}&`)) {
      const what = counts.has(status) ? status : "under way";
      counts.set(what, (counts.get(what) ?? 0) + 1);
      if (team === exampleTeam) newest = id;
    }
  }
  const some = [...counts].filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`);
  return some.length === 0 ? undefined : { line: `Resources that are here: ${some.join(", ")}.`, newest };
}

async function* all<Item>(ask: Ask, path: string): AsyncGenerator<Item> {
  for (let cursor: string | null = ""; cursor !== null; ) {
    const after: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const page: Page<Item> = await ask<Page<Item>>("GET", `${path}limit=100${after}`);
    yield* page.items;
    cursor = page.nextCursor;
  }
}
