import type { JsonObject } from "../core/json.ts";
import type { Providers } from "../core/provider.ts";
import { withReferencesResolved } from "../core/reference.ts";
import type { DriftSight, DriftStore, DriftTarget, DriftWork } from "../core/store.ts";
import { staleSeconds } from "./pace.ts";
import { shownDifferences } from "./shown-differences.ts";

export type DriftDeps = {
  store: DriftStore;
  providers: Providers;
  /** How many looks are under way at once. */
  parallel: number;
  providerSeconds: number;
  sleep: (seconds: number) => Promise<void>;
};

/**
 * Looks at a batch of READY resources and writes, per property, where the provider's object is not as wanted. Reports and
 * repairs nothing; a look that failed changes nothing (law F14). Two round trips.
 */
export async function observeDrift(
  deps: DriftDeps,
  run: string,
  batch: DriftTarget[],
): Promise<{ seen: number; unseen: number }> {
  const works = await deps.store.driftWork(batch);
  const sights = await lookAtAll(deps, works);
  const early = works.filter((work) => work.readySeconds < staleSeconds && isMissing(sights.get(work.id)));
  if (early.length > 0) {
    // Reads may not show yet what was made just now (law F15): the grace over, they are asked again.
    await deps.sleep(staleSeconds - Math.min(...early.map(({ readySeconds }) => readySeconds)));
    for (const [id, sight] of await lookAtAll(deps, early)) sights.set(id, sight);
  }
  // What has stopped being READY since the claim was not looked at, and is not counted.
  await deps.store.recordDrift(run, [...sights.values()]);
  const seen = [...sights.values()].filter((sight) => sight.seen).length;
  return { seen, unseen: sights.size - seen };
}

async function lookAtAll(deps: DriftDeps, works: readonly DriftWork[]): Promise<Map<string, DriftSight>> {
  const sights = new Map<string, DriftSight>();
  const queue = [...works];
  await Promise.all(
    Array.from({ length: deps.parallel }, async () => {
      for (let work = queue.shift(); work !== undefined; work = queue.shift()) {
        sights.set(work.id, await look(deps, work));
      }
    }),
  );
  return sights;
}

/** The difference that stands for the object as a whole. */
const missing = { pointer: "", expected: "present", actual: "absent" } as const;

function isMissing(sight: DriftSight | undefined): boolean {
  return sight?.seen === true && sight.differences.some((difference) => difference === missing);
}

async function look(deps: DriftDeps, work: DriftWork): Promise<DriftSight> {
  const { team, id, generation, definition, target } = work;
  const unseen: DriftSight = { team, id, generation, seen: false };
  // A record that cannot be read, or a provider's fault, is this one resource's: its batch goes on.
  try {
    const provider = deps.providers[definition.provider];
    if (provider === undefined || target === null) return unseen;
    const observation = await provider.observe({
      resourceId: id,
      team,
      service: work.service,
      environment: work.environment,
      name: work.name,
      kind: definition.kind,
      externalName: definition.externalName,
      identifier: work.identifier,
      desired: withReferencesResolved(definition.properties, work.dependencies) as JsonObject,
      target,
      token: "",
      request: null,
      tokenAgeSeconds: null,
      sentHash: work.sentHash,
      signal: AbortSignal.timeout(deps.providerSeconds * 1000),
    });
    const { beyond } = observation;
    const of = { team, id, generation, ...(beyond === undefined ? {} : { beyond }) };
    switch (observation.state) {
      case "ready":
        return { ...of, seen: true, differences: [] };
      case "drifted":
        return { ...of, seen: true, differences: shownDifferences(observation.differences) };
      case "absent":
        return { ...of, seen: true, differences: [missing] };
      default:
        return { ...of, seen: false };
    }
  } catch {
    return unseen;
  }
}
