import { v7 as newId } from "uuid";
import type { OperationRef } from "../../core/operation.ts";
import type { Change } from "../../core/store.ts";
import type { TestStore } from "../support/store.ts";
import { accept, create, lease, type Place } from "./fixture.ts";

/** What one claim reserves: `cairn.calls_reserved()`. */
export const reserved = 5;

/** A target of its own for each test, so that no test empties another's budget. Two seconds of its rate go through at once. */
export async function newTarget(store: TestStore, place: Place, requestsPerSecond: number): Promise<Place> {
  const environment = `e-${newId().replaceAll("-", "").slice(-12)}`;
  const owner = store.as("owner");
  await owner.rows("insert into cairn.environments (environment, tier) values (:environment, 'staging')", {
    environment,
  });
  await owner.rows(
    "insert into cairn.targets (environment, provider, config) values (:environment, 'aws', :config::jsonb)",
    {
      environment,
      config: JSON.stringify({ requestsPerSecond }),
    },
  );
  return { ...place, environment };
}

export function ofKind(kind: string, name: string): Change {
  const change = create(name);
  if (change.definition !== null) change.definition.kind = kind;
  return change;
}

export type Started = { id: string; ref: OperationRef };

/** Accepts a resource for each name, which all can start. */
export async function accepted(
  store: TestStore,
  place: Place,
  names: string[],
  kind = "AWS::S3::Bucket",
): Promise<Started[]> {
  const changes = names.map((name) => ofKind(kind, name));
  const refs = await accept(store, place, changes);
  return changes.map(({ resourceId, operationId }) => {
    const ref = refs.find(({ operation }) => operation === operationId);
    if (ref === undefined) throw new Error("it cannot start");
    return { id: resourceId, ref };
  });
}

export const claim = async (store: TestStore, { ref }: { ref: OperationRef }) =>
  (await store.worker.claim(ref, lease)).outcome;

/** Time passes for a target: its budget fills, its breakers' pauses and its probes' leases end. */
export async function pass(store: TestStore, { environment }: Place, seconds: number): Promise<void> {
  const owner = store.as("owner");
  for (const [table, columns] of [
    ["target_budgets", ["filled_at"]],
    ["budget_shares", ["filled_at", "asked_at", "next_slot"]],
    ["breakers", ["retry_at", "probe_until", "failed_at"]],
  ] as const) {
    const set = columns.map((column) => `${column} = ${column} - make_interval(secs => :seconds)`).join(", ");
    await owner.rows(`update cairn.${table} set ${set} where environment = :environment`, { environment, seconds });
  }
}

export async function tokensOf(store: TestStore, { environment }: Place): Promise<number> {
  const [tokens] = await store
    .as("owner")
    .rows<number>("select to_jsonb(tokens) from cairn.target_budgets where environment = :environment", {
      environment,
    });
  if (tokens === undefined) throw new Error("no budget yet");
  return tokens;
}

export const names = (count: number, prefix = "r") => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
