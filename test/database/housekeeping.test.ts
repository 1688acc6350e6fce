import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepHouse, retentionMonths } from "../../database/housekeeping.ts";
import { createTestStore, databaseFolder, type TestStore } from "../support/store.ts";
import { accept, caller, create, makeReady, newPlace, ready, remove, resourceRow, run, update } from "./fixture.ts";

let store: TestStore;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

const partitions = () =>
  store
    .as("owner")
    .rows<string>(
      "select to_jsonb(c.relname) from pg_class c where c.relispartition and c.relkind = 'r' order by c.relname",
    );

test("partitions are there from last month to the month after next, for every table that grows", async () => {
  const names = await partitions();
  expect(names).toHaveLength(8 * 4);
});

test("partitions made twice, one after the other or at once, are made once", async () => {
  const make = () => store.as("owner").rows("select 'true'::jsonb from cairn.make_partitions(0, 5)");
  await Promise.all([make(), make()]);
  const names = await partitions();
  await make();
  expect(await partitions()).toEqual(names);
  expect(names).toHaveLength(8 * 7);
});

test("what is past its retention is dropped whole, but no operation that is still open", async () => {
  const owner = store.as("owner");
  await owner.rows("select 'true'::jsonb from cairn.make_partitions(15, 0)");
  const place = await newPlace(store);
  const change = create("db");
  await accept(store, place, [change]);
  await owner.rows(
    `update cairn.operations set id = cairn.uuid7_floor(date_trunc('month', now()) - interval '15 months' + interval '1 day')
     where id = :id::uuid`,
    { id: change.operationId },
  );
  const before = await partitions();
  const oldest = before.find((name) => name.startsWith("operations_"));
  expect(await keepHouse(owner)).toMatchObject({ dropped: 15 });
  const kept = await partitions();
  expect(kept).toContain(oldest);
  expect(kept.filter((name) => name.startsWith("audit_log_"))).toHaveLength(retentionMonths + 1 + 5);

  await owner.rows("update cairn.operations set status = 'SUCCEEDED' where resource_id = :id::uuid", {
    id: change.resourceId,
  });
  expect(await keepHouse(owner)).toMatchObject({ dropped: 1 });
  expect(await partitions()).not.toContain(oldest);
});

test("old keys, resolved findings and deleted resources go in bounded batches; what is young or alive stays", async () => {
  const owner = store.as("owner");
  const place = await newPlace(store);
  const { team } = place;
  const [alive, gone] = [await makeReady(store, place, "alive"), await makeReady(store, place, "gone")];
  const [ref] = await accept(store, place, [remove(gone, "gone", 1)]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, { to: "deleted" });
  await owner.rows(
    `insert into cairn.drift_findings (team_id, id, resource_id, pointer, expected, actual, run_id, resolved_at)
     select :team, cairn.uuid7(), r.id, '/' || n, '1', '2', cairn.uuid7(), now() - make_interval(months => n * 10)
     from generate_series(1, 2) n, (values (:alive::uuid), (:gone::uuid)) r(id)`,
    { team, alive, gone },
  );
  await owner.rows("update cairn.resources set updated_at = now() - interval '20 months' where team_id = :team", {
    team,
  });
  await owner.rows("update cairn.idempotency_keys set created_at = now() - interval '8 days' where team_id = :team", {
    team,
  });

  const prune = async (batch: number) =>
    (await owner.rows<number>("select to_jsonb(cairn.prune(:batch::integer, 13))", { batch }))[0];
  // One of three keys and one of two findings; the deleted resource stays while a finding of it does.
  expect(await prune(1)).toBe(2);
  expect((await keepHouse(owner)).pruned).toBe(3);
  expect(await resourceRow(store, gone)).toMatchObject({ status: "DELETED" });

  await owner.rows("update cairn.drift_findings set resolved_at = now() - interval '20 months' where team_id = :team", {
    team,
  });
  expect((await keepHouse(owner)).pruned).toBe(3);
  await expect(resourceRow(store, gone)).rejects.toThrow(/no resource/);
  expect(await resourceRow(store, alive)).toMatchObject({ status: "READY" });
  expect(await prune(1000)).toBe(0);
});

test("what somebody may still use outside keeps its record, whose outputs are part of what was asked for", async () => {
  const owner = store.as("owner");
  const place = await newPlace(store);
  const used = await makeReady(store, place, "used");
  const user = await makeReady(store, place, "user", [used]);
  const [dropping] = await accept(store, place, [update(user, "user", 1, [])]);
  await store.api.abandonResource("platform", caller, used);
  await owner.rows("update cairn.resources set updated_at = now() - interval '20 months' where id = :used::uuid", {
    used,
  });
  expect((await keepHouse(owner)).pruned).toBe(0);

  if (dropping === undefined) throw new Error("nothing can start");
  await run(store, dropping, ready());
  expect((await keepHouse(owner)).pruned).toBe(1);
  await expect(resourceRow(store, used)).rejects.toThrow(/no resource/);
});

test("ids of the database sort in the order of writing, within one transaction and across the counter's wrap", async () => {
  const owner = store.as("owner");
  await owner.rows("select to_jsonb(setval('cairn.event_order', 4090))");
  const ids = await owner.rows<string>("select to_jsonb(cairn.uuid7()) from generate_series(1, 100)");
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const age = Date.now() - Number.parseInt(ids[0]?.replace("-", "").slice(0, 12) ?? "", 16);
  expect(Math.abs(age)).toBeLessThan(60_000);
});

test("timestamps keep their microseconds", async () => {
  const [text] = await store.as("owner").rows<string>("select to_jsonb(cairn.iso('2026-01-02 03:04:05.000006+02'))");
  expect(text).toBe("2026-01-02T01:04:05.000006Z");
});

test("no migration asks for a time but now(), the transaction's and the database's", () => {
  const files = globSync("*/*.sql", { cwd: databaseFolder });
  expect(files.filter((name) => name.startsWith("routines"))).not.toEqual([]);
  for (const name of files) {
    const text = readFileSync(join(databaseFolder, name), "utf8");
    expect(text, name).not.toMatch(
      /clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|current_(timestamp|time|date)|localtime|pg_catalog\.now/i,
    );
  }
});
