import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { OperationRef, Progress } from "../../core/operation.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import {
  accept,
  acceptanceOf,
  caller,
  create,
  eventsOf,
  failed,
  lease,
  makeDue,
  makeReady,
  newPlace,
  operationRows,
  type Place,
  ready,
  reason,
  remove,
  resourceRow,
  run,
  send,
  sweep,
  written,
} from "./fixture.ts";

const platform = { subject: "pia", role: "platform", team: null } as const;

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  place = await newPlace(store);
});

async function started(name = "db", dependsOn: string[] = []): Promise<{ id: string; ref: OperationRef }> {
  const change = create(name, dependsOn);
  const [ref] = await accept(store, place, [change]);
  return { id: change.resourceId, ref: ref ?? { team: place.team, operation: change.operationId ?? "", epoch: 1 } };
}

async function broken(proven = true) {
  const made = await started();
  await run(store, made.ref, failed(proven));
  return made;
}

const retry = (id: string, team = place.team) => store.api.retryResource({ team }, { ...caller, team }, id);
const abandon = (id: string) => store.api.abandonResource("platform", platform, id);
const orphans = async (scope: { team: string } | "platform" = { team: place.team }) =>
  (await store.api.orphans(scope, null, { limit: 100, cursor: null })).items;

describe("a retry", () => {
  test("starts a failed resource's operation again, under a new epoch, in one round trip", async () => {
    const { id, ref } = await broken();
    store.counted.statements = 0;
    expect(await retry(id)).toEqual({ outcome: "retried", startable: [{ ...ref, epoch: 2 }] });
    expect(store.counted.statements).toBe(1);
    expect(await resourceRow(store, id)).toMatchObject({ status: "PENDING", reason: null });
    expect((await eventsOf(store, place, id)).at(-1)).toBe("resource.retry");
    await run(store, { ...ref, epoch: 2 }, ready());
    expect(await resourceRow(store, id)).toMatchObject({ status: "READY", generation: 1 });
  });

  test("keeps a token whose outcome is unknown, and has a new one after a proven failure", async () => {
    const unknown = await broken(false);
    const [before] = await operationRows(store, unknown.id);
    await retry(unknown.id);
    expect(await operationRows(store, unknown.id)).toMatchObject([{ token: before?.token, attempt: 1 }]);
    expect((await operationRows(store, unknown.id))[0]?.token_used_at).not.toBeNull();
  });

  test("of a quarantined one has as many attempts as a new one, and never an old token", async () => {
    let { id, ref } = await started();
    const tokens = new Set<string>();
    const exhaust = async () => {
      for (let attempt = 1; ; attempt++) {
        expect(await store.worker.claim(ref, lease)).toEqual({ outcome: "claimed" });
        const work = await send(store, ref);
        expect(work.attempt).toBe(attempt);
        tokens.add(work.token);
        const last = attempt === 5;
        const progress: Progress = last ? failed() : { to: "next-attempt", reason, delaySeconds: 0 };
        written(await store.worker.advance(ref, progress));
        if (last) return;
        await makeDue(store, ref.operation);
        ref = (await sweep(store)).find(({ operation }) => operation === ref.operation) ?? ref;
      }
    };
    await exhaust();
    const again = await retry(id);
    if (again.outcome !== "retried" || again.startable[0] === undefined) throw new Error("not retried");
    ref = again.startable[0];
    await exhaust();
    expect(tokens.size).toBe(10);
  });

  test("of a failed deletion goes on deleting", async () => {
    const id = await makeReady(store, place, "db");
    const [gone] = await accept(store, place, [remove(id, "db", 1)]);
    if (gone === undefined) throw new Error("nothing can start");
    await run(store, gone, failed());
    expect(await retry(id)).toMatchObject({ outcome: "retried", startable: [{ operation: gone.operation }] });
    expect(await resourceRow(store, id)).toMatchObject({ status: "DELETING" });
  });

  test("of what waits for a failed dependency says so again", async () => {
    const dependency = await started("db");
    const dependent = await started("url", [dependency.id]);
    await run(store, dependency.ref, failed());
    expect(await resourceRow(store, dependent.id)).toMatchObject({ reason: { code: "DEPENDENCY_FAILED" } });
    expect(await retry(dependent.id)).toEqual({ outcome: "retried", startable: [] });
    expect(await resourceRow(store, dependent.id)).toMatchObject({
      status: "FAILED",
      reason: { code: "DEPENDENCY_FAILED" },
    });
  });

  test.each(["PENDING", "SYNCING", "READY", "DELETED"])("of what is %s changes nothing", async (status) => {
    const { id, ref } = await started();
    if (status === "SYNCING") await store.worker.claim(ref, lease);
    if (status === "READY" || status === "DELETED") await run(store, ref, ready());
    if (status === "DELETED") {
      const [gone] = await accept(store, place, [remove(id, "db", 1)]);
      if (gone !== undefined) await run(store, gone, { to: "deleted" });
    }
    const before = [await resourceRow(store, id), await operationRows(store, id)];
    expect(await retry(id)).toEqual({ outcome: "not-failed", status });
    expect([await resourceRow(store, id), await operationRows(store, id)]).toEqual(before);
  });

  test("of another team's or of nothing finds nothing", async () => {
    const { id } = await broken();
    const other = await newPlace(store);
    expect(await retry(id, other.team)).toEqual({ outcome: "not-found" });
    expect(await retry(newId())).toEqual({ outcome: "not-found" });
    expect(await resourceRow(store, id)).toMatchObject({ status: "FAILED" });
  });

  test("that comes five times at once happens once", async () => {
    const { id } = await broken();
    const outcomes = (await Promise.all(Array.from({ length: 5 }, () => retry(id)))).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "retried")).toHaveLength(1);
    expect(await operationRows(store, id)).toMatchObject([{ epoch: 2 }]);
  });
});

describe("abandoning", () => {
  test("removes the record, frees the name, ends the work, and keeps what may be left outside", async () => {
    const { id, ref } = await started();
    await run(store, ref, { to: "sent", request: "req-1", identifier: null });
    const result = await abandon(id);
    expect(result).toMatchObject({ outcome: "abandoned", startable: [] });
    expect(await store.api.resource({ team: place.team }, id)).toMatchObject({
      status: "DELETED",
      reason: { code: "ABANDONED" },
    });
    expect(await store.worker.advance(ref, ready())).toEqual({ outcome: "lost" });
    expect(await operationRows(store, id)).toMatchObject([{ status: "FAILED" }]);
    expect(await orphans()).toMatchObject([
      {
        resource: { id, team: place.team, service: "orders", environment: "staging", name: "db", type: "bucket" },
        kind: "AWS::S3::Bucket",
        externalName: "db",
        identifier: null,
        request: "req-1",
        abandonedBy: "pia",
      },
    ]);
    expect((await eventsOf(store, place, id)).at(-1)).toBe("resource.abandoned");
    expect(await accept(store, place, [create("db")])).toHaveLength(1);
  });

  test("of what never asked a provider leaves no orphan", async () => {
    const { id } = await started();
    expect(await abandon(id)).toEqual({ outcome: "abandoned", orphan: null, startable: [] });
    expect(await orphans()).toEqual([]);
  });

  test("after a proven failure of an earlier attempt keeps one: that attempt asked", async () => {
    const { id } = await broken();
    expect(await abandon(id)).toMatchObject({ outcome: "abandoned", orphan: expect.any(String) });
  });

  test("of what others use is refused, with their names; with the users gone it is not", async () => {
    const db = await makeReady(store, place, "db");
    const url = await makeReady(store, place, "url", [db]);
    expect(await abandon(db)).toEqual({ outcome: "referenced", by: ["url"], more: 0 });
    expect(await resourceRow(store, db)).toMatchObject({ status: "READY" });
    await abandon(url);
    expect(await abandon(db)).toMatchObject({ outcome: "abandoned" });
  });

  test("lets go on what waited for its deletion", async () => {
    const db = await makeReady(store, place, "db");
    const url = await makeReady(store, place, "url", [db]);
    const [first] = await accept(store, place, [remove(db, "db", 1), remove(url, "url", 1)]);
    if (first === undefined) throw new Error("nothing can start");
    await run(store, first, failed());
    expect(await resourceRow(store, db)).toMatchObject({ status: "FAILED" });
    expect(await abandon(url)).toMatchObject({ outcome: "abandoned", startable: [{ team: place.team }] });
  });

  test("twice, or of nothing, changes nothing; a team may not", async () => {
    const { id } = await started();
    await abandon(id);
    expect(await abandon(id)).toEqual({ outcome: "gone" });
    expect(await abandon(newId())).toEqual({ outcome: "not-found" });
    await expect(store.api.abandonResource({ team: place.team }, caller, id)).rejects.toThrow(/permission denied/);
  });

  test("that comes at once with the worker's last word leaves one of the two", async () => {
    const { id, ref } = await started();
    await store.worker.claim(ref, lease);
    await send(store, ref);
    const [, advanced] = await Promise.all([abandon(id), store.worker.advance(ref, ready())]);
    expect(["lost", "written"]).toContain(advanced.outcome);
    expect(await resourceRow(store, id)).toMatchObject({ status: "DELETED" });
    expect(await orphans()).toHaveLength(1);
  });

  test("is seen by its team and the platform, and by nobody else", async () => {
    await abandon((await broken()).id);
    const other = await newPlace(store);
    expect(await orphans({ team: other.team })).toEqual([]);
    expect((await orphans("platform")).some(({ resource }) => resource.team === place.team)).toBe(true);
  });
});

test("what was decided to use it before it was abandoned is decided anew", async () => {
  const { id, ref } = await started();
  await run(store, ref, ready());
  const decided = acceptanceOf(place, [create("url", [id])], { expectedVersion: 1 });
  expect(await abandon(id)).toMatchObject({ outcome: "abandoned" });
  expect(await store.api.acceptIntent(decided)).toEqual({ outcome: "conflict" });
});

describe("a row that no Cairn writes", () => {
  const owner = () => store.as("owner");
  const attention = { status: "FAILED", reason: { code: "NEEDS_ATTENTION" } };
  /** As after a restore of something newer: the rows are there, the checks are not. */
  const unchecked = async (table: "operations" | "resources", id: string, set: string) => {
    await owner().rows(`alter table cairn.${table} drop constraint if exists ${table}_status_check`);
    await owner().rows(`update cairn.${table} set ${set} where id = :id::uuid`, { id });
  };

  test("an operation with an unknown status is that resource's NEEDS_ATTENTION, and the sweep goes on", async () => {
    const strange = await started("strange");
    const fine = await started("fine");
    await unchecked("operations", strange.ref.operation, "status = 'DREAMING', due_at = now() - interval '1 hour'");
    await makeDue(store, fine.ref.operation);
    expect((await sweep(store)).map(({ operation }) => operation)).toContain(fine.ref.operation);
    expect(await resourceRow(store, strange.id)).toMatchObject(attention);
    expect(await retry(strange.id)).toMatchObject({ outcome: "retried", startable: [{ team: place.team }] });
  });

  test("a resource with an unknown status too, whether it is worked on or not", async () => {
    const strange = await started("strange");
    const resting = await makeReady(store, place, "resting");
    await unchecked("resources", strange.id, "status = 'DREAMING'");
    await unchecked("resources", resting, "status = 'DREAMING'");
    await sweep(store);
    expect(await resourceRow(store, strange.id)).toMatchObject(attention);
    expect(await resourceRow(store, resting)).toMatchObject(attention);
    expect(await operationRows(store, strange.id)).toMatchObject([{ status: "FAILED" }]);
  });

  test("what is lost ten times without one read of it asks for a person", async () => {
    const strange = await started("strange");
    await store.worker.claim(strange.ref, lease);
    await owner().rows("update cairn.operations set takeovers = 10 where id = :id::uuid", {
      id: strange.ref.operation,
    });
    await makeDue(store, strange.ref.operation);
    await sweep(store);
    expect(await resourceRow(store, strange.id)).toMatchObject(attention);
  });

  test("a read of it forgets how often it was lost", async () => {
    const one = await started("one");
    await store.worker.claim(one.ref, lease);
    await owner().rows("update cairn.operations set takeovers = 9 where id = :id::uuid", { id: one.ref.operation });
    await store.worker.work(one.ref, lease);
    expect(await operationRows(store, one.id)).toMatchObject([{ takeovers: 0 }]);
  });

  test("one that breaks the sweep's own work ends alone", async () => {
    const strange = await started("strange");
    const fine = await started("fine");
    // Stands for whatever may be wrong with one row. Last of this file, because it stays.
    await owner().rows(
      `create or replace function cairn.take_over(op cairn.operations, grace_seconds double precision, event text) returns jsonb
       language plpgsql as $$ begin
         if op.id = '${strange.ref.operation}' then raise exception 'unreadable'; end if;
         update cairn.operations o set epoch = o.epoch + 1, due_at = now() + interval '1 minute' where o.id = op.id returning o.* into op;
         return cairn.ref(op);
       end $$`,
    );
    await makeDue(store, strange.ref.operation);
    await makeDue(store, fine.ref.operation);
    expect((await sweep(store)).map(({ operation }) => operation)).toEqual([fine.ref.operation]);
    expect(await resourceRow(store, strange.id)).toMatchObject(attention);
  });
});
