import { v7 as newId } from "uuid";
import type { Definition } from "../../core/definition.ts";
import { hashOf, type Json, type JsonObject } from "../../core/json.ts";
import type { OperationRef, Progress, Work } from "../../core/operation.ts";
import type { Acceptance, AcceptResult, Advance, Change } from "../../core/store.ts";
import type { TestStore } from "../support/store.ts";

export const caller = { subject: "dana", role: "developer", team: null } as const;
export const reason = { code: "PROVIDER_REJECTED", message: "No such engine.", retryAt: null } as const;
export const lease = 60;

export function definitionOf(name: string, properties: JsonObject = {}): Definition {
  return {
    type: "bucket",
    version: 1,
    class: null,
    parameters: {},
    overrides: null,
    provider: "aws",
    kind: "AWS::S3::Bucket",
    properties: { BucketName: name, ...properties },
    externalName: name,
    outputs: { name: "${attributes.BucketName}" },
    protected: false,
    monthlyPrice: null,
  };
}

export type Place = { team: string; service: string; environment: string };

export const create = (name: string, dependsOn: string[] = [], resourceId: string = newId()): Change =>
  changeOf("create", resourceId, name, 0, dependsOn);

export const update = (id: string, name: string, generation: number, dependsOn: string[] = []): Change =>
  changeOf("update", id, name, generation, dependsOn, { Changed: generation });

export const remove = (id: string, name: string, generation: number): Change => ({
  ...changeOf("delete", id, name, generation, []),
  definition: null,
  definitionHash: null,
});

export const again = (change: "retry" | "none", id: string, name: string, generation: number): Change => ({
  ...changeOf(change, id, name, generation, []),
  operationId: null,
  definition: null,
  definitionHash: null,
});

function changeOf(
  change: Change["change"],
  resourceId: string,
  name: string,
  expectedGeneration: number,
  dependsOn: string[],
  properties: JsonObject = {},
): Change {
  const definition = definitionOf(name, properties);
  const definitionHash = hashOf(definition as unknown as Json);
  return {
    resourceId,
    name,
    type: "bucket",
    change,
    expectedGeneration,
    operationId: newId(),
    definition,
    definitionHash,
    dependsOn,
  };
}

export function acceptanceOf(place: Place, changes: Change[], more: Partial<Acceptance> = {}): Acceptance {
  const intentId = newId();
  const decisionId = newId();
  const deletes = changes.some(({ change }) => change === "delete");
  return {
    scope: { team: place.team },
    caller: { ...caller, team: place.team },
    intentId,
    intent: deletes
      ? { action: "delete", ...place, resources: changes.map(({ name }) => name) }
      : {
          action: "apply",
          ...place,
          resources: Object.fromEntries(changes.map(({ name }) => [name, { type: "bucket" }])),
        },
    key: intentId,
    requestHash: "a".repeat(64),
    decision: {
      id: decisionId,
      policyRevision: "1",
      wasmHash: "b".repeat(64),
      inputHash: "c".repeat(64),
      definitionHashes: {},
      violations: [],
      warnings: [],
    },
    changes,
    expectedVersion: null,
    response: {
      id: intentId,
      status: "PENDING",
      action: deletes ? "delete" : "apply",
      ...place,
      decision: { id: decisionId, warnings: [] },
      resources: changes.map(({ resourceId, name }) => ({ id: resourceId, name, type: "bucket", status: "PENDING" })),
    },
    ...more,
  };
}

/** A team of its own for each test, so that tests of one file do not see each other. */
export async function newPlace(store: TestStore): Promise<Place> {
  const team = `t-${newId().replaceAll("-", "").slice(-12)}`;
  await store.api.putTeam("platform", caller, team, { name: null, contact: null });
  return { team, service: "orders", environment: "staging" };
}

/** Accepts and answers what can start; anything but an acceptance fails the test. */
export async function accept(
  store: TestStore,
  place: Place,
  changes: Change[],
  more: Partial<Acceptance> = {},
): Promise<OperationRef[]> {
  const result: AcceptResult = await store.api.acceptIntent(acceptanceOf(place, changes, more));
  if (result.outcome !== "accepted") throw new Error(`not accepted: ${result.outcome}`);
  return result.startable;
}

/** Claims, says that the provider is about to be asked, and writes the step. */
export async function run(store: TestStore, ref: OperationRef, progress: Progress): Promise<OperationRef[]> {
  const claimed = await store.worker.claim(ref, lease);
  if (claimed.outcome !== "claimed") throw new Error(`not claimed: ${claimed.outcome}`);
  await send(store, ref);
  return written(await store.worker.advance(ref, progress));
}

export async function send(store: TestStore, ref: OperationRef): Promise<Work> {
  const work = await store.worker.workToSend(ref, lease, "d".repeat(64), false);
  if (work === null) throw new Error("the lease is lost");
  return work;
}

export function written(result: Advance): OperationRef[] {
  if (result.outcome === "lost") throw new Error("the epoch is lost");
  return result.startable;
}

export const ready = (outputs: JsonObject = { name: "x" }): Progress => ({ to: "ready", identifier: "x", outputs });
export const failed = (proven = true): Progress => ({ to: "failed", reason, proven });

/** One that was made, with its id and generation 1. */
export async function makeReady(
  store: TestStore,
  place: Place,
  name: string,
  dependsOn: string[] = [],
): Promise<string> {
  const change = create(name, dependsOn);
  const [ref] = await accept(store, place, [change]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, ready({ name }));
  return change.resourceId;
}

export type ResourceRow = {
  status: string;
  generation: number;
  reason: { code: string; message: string; retryAt: string | null } | null;
  outputs: Record<string, unknown>;
  identifier: string | null;
  request: string | null;
  operation_id: string;
};
export type OperationRow = {
  id: string;
  status: string;
  epoch: number;
  attempt: number;
  waits: number;
  stumbles: number;
  token: string;
  token_used_at: string | null;
  generation: number;
  due_at: string;
  kind: string;
};

/** The rows as they are, whatever row-level security says. */
export async function resourceRow(store: TestStore, id: string): Promise<ResourceRow> {
  const [row] = await store
    .as("owner")
    .rows<ResourceRow>("select to_jsonb(r) - 'definition' from cairn.resources r where id = :id::uuid", { id });
  if (row === undefined) throw new Error(`no resource ${id}`);
  return row;
}

export async function operationRows(store: TestStore, resource: string): Promise<OperationRow[]> {
  return store
    .as("owner")
    .rows<OperationRow>(
      "select to_jsonb(o) - 'definition' from cairn.operations o where resource_id = :resource::uuid order by generation",
      { resource },
    );
}

export async function eventsOf(store: TestStore, place: Place, resource: string): Promise<string[]> {
  const page = await store.api.resourceEvents({ team: place.team }, resource, { limit: 100, cursor: null });
  return page?.items.map(({ event }) => event) ?? [];
}

/** Time passes for this operation: what it waits for is over. */
export async function makeDue(store: TestStore, operation: string): Promise<void> {
  await store
    .as("owner")
    .rows("update cairn.operations set due_at = now() - interval '1 second' where id = :operation::uuid", {
      operation,
    });
}

/** What a sweep takes over; others' tests in the same file have nothing due. */
export const sweep = (store: TestStore, batch = 100) => store.worker.sweep({ batch, graceSeconds: 60 });
