import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "../../core/store.ts";
import { createApiStore } from "../../database/api-store.ts";
import type { Database } from "../../database/data-api.ts";
import { eventMessage } from "../../database/event-message.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import { accept, acceptanceOf, caller, create, newPlace } from "./fixture.ts";

let store: TestStore;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

/** Reads all pages, and says how many there were. */
async function all<T>(
  read: (cursor: string | null) => Promise<Page<T> | null>,
): Promise<{ items: T[]; pages: number }> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let pages = 1; ; pages++) {
    const page: Page<T> | null = await read(cursor);
    items.push(...(page?.items ?? []));
    cursor = page?.nextCursor ?? null;
    if (cursor === null) return { items, pages };
  }
}

test.each([
  [1, 5],
  [2, 3],
  [5, 1],
  [6, 1],
])(
  "five resources in pages of %i are %i pages, each resource once, sorted by id, one round trip each",
  async (limit, pages) => {
    const place = await newPlace(store);
    const changes = ["a", "b", "c", "d", "e"].map((name) => create(name));
    await accept(store, place, changes);
    store.counted.statements = 0;
    const read = await all((cursor) => store.api.resources({ team: place.team }, {}, { limit, cursor }));
    expect(read.items.map(({ id }) => id)).toEqual(changes.map(({ resourceId }) => resourceId).sort());
    expect(read.pages).toBe(pages);
    expect(store.counted.statements).toBe(pages);
  },
);

test("what is FAILED of two teams is paged over both for the platform, by id, and one team reads its own", async () => {
  const places = [await newPlace(store), await newPlace(store)];
  const made: string[] = [];
  for (const name of ["a", "b", "c"])
    for (const place of places) {
      const change = create(name);
      await accept(store, place, [change]);
      made.push(change.resourceId);
    }
  const failed = made.slice(0, 5).sort();
  await store.as("owner").rows(
    `update cairn.resources set status = 'FAILED'
     where id in (select x::uuid from jsonb_array_elements_text(:ids::jsonb) x)`,
    { ids: JSON.stringify(failed) },
  );
  const idsOf = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id);
  const filter = { status: "FAILED" } as const;

  store.counted.statements = 0;
  const read = await all((cursor) => store.api.resources("platform", filter, { limit: 2, cursor }));
  expect(idsOf(read)).toEqual(failed);
  expect(store.counted.statements).toBe(read.pages);

  for (const [index, { team }] of places.entries()) {
    const own = await store.api.resources({ team }, filter, { limit: 10, cursor: null });
    expect(idsOf(own)).toEqual(failed.filter((id) => made.indexOf(id) % 2 === index));
  }
});

test("a page is cut by bytes before an answer would be too large, and nothing is lost", async () => {
  const place = await newPlace(store);
  const changes = Array.from({ length: 60 }, (_, index) => create(`r${index}`));
  for (const { definition } of changes) if (definition) definition.parameters = { padding: "x".repeat(30_000) };
  await accept(store, place, changes);
  const first = await store.api.resources({ team: place.team }, {}, { limit: 100, cursor: null });
  expect(first.items.length).toBeLessThan(60);
  expect(JSON.stringify(first).length).toBeLessThan(1024 * 1024);
  const read = await all((cursor) => store.api.resources({ team: place.team }, {}, { limit: 100, cursor }));
  expect(read.items).toHaveLength(60);
  expect(read.pages).toBe(4);
});

describe("definitions of the letters that an answer writes as two", () => {
  const count = 40;
  const fat = async () => {
    const place = await newPlace(store);
    const changes = Array.from({ length: count }, (_, index) => create(`r${index}`));
    for (const { definition } of changes) if (definition) definition.parameters = { padding: "\\".repeat(15_000) };
    await accept(store, place, changes);
    return { place, changes };
  };

  test("are paged too, and all read when everything of a service is to be deleted", async () => {
    const { place } = await fat();
    const read = await all((cursor) => store.api.resources({ team: place.team }, {}, { limit: 100, cursor }));
    expect(read.items).toHaveLength(count);
    const context = await store.api.intentContext({ team: place.team }, { ...place, names: null, key: null });
    expect(context.resources).toHaveLength(count);
  });

  test("do not keep a batch of looks from being read", async () => {
    const { place, changes } = await fat();
    await store.as("owner").rows("update cairn.resources set status = 'READY' where team_id = :team", {
      team: place.team,
    });
    const batch = changes.map(({ resourceId: id }) => ({ team: place.team, id }));
    const works = await store.drift.driftWork(batch);
    expect(works.map(({ id }) => id).sort()).toEqual(batch.map(({ id }) => id).sort());
  });

  test("are decided on as they were when the first of them was read", async () => {
    const { place } = await fat();
    let reads = 0;
    const api: Database = {
      ...store.as("api"),
      async rows(sql, parameters) {
        if (++reads === 2) await accept(store, place, [create("meanwhile")]);
        return store.as("api").rows(sql, parameters);
      },
    };
    const { intentContext } = createApiStore({ api, platform: api }, 60);
    const context = await intentContext({ team: place.team }, { ...place, names: null, key: null });
    expect(reads).toBeGreaterThan(1);
    expect(context.version).toBe(1);
  });
});

test("a timeline is paged; past its end it is empty, of an unknown resource it is nothing", async () => {
  const place = await newPlace(store);
  const a = create("a");
  const [ref] = await accept(store, place, [a]);
  if (ref === undefined) throw new Error("nothing can start");
  await store.worker.claim(ref, 60);
  const scope = { team: place.team };
  const read = await all((cursor) => store.api.resourceEvents(scope, a.resourceId, { limit: 1, cursor }));
  expect(read.items.map(({ event, message }) => [event, message])).toEqual([
    ["resource.create", "dana asked for it, and policy allowed it."],
    ["operation.claimed", "Work began (attempt 1)."],
  ]);
  const last = read.items.at(-1)?.id ?? "";
  expect(await store.api.resourceEvents(scope, a.resourceId, { limit: 1, cursor: last })).toEqual({
    items: [],
    nextCursor: null,
  });
  expect(await store.api.resourceEvents(scope, a.operationId ?? "", { limit: 1, cursor: null })).toBeNull();
});

test("names that begin alike are neither skipped nor doubled, whatever joins them in a cursor", async () => {
  for (const team of ["pay", "pay-a", "pay-a1", "payb"]) {
    await store.api.putTeam("platform", caller, team, { name: null, contact: null });
    for (const service of ["x", "x-y", "x1"])
      await store.api.putService("platform", caller, team, service, { description: null });
  }
  const services = await all((cursor) => store.api.services("platform", null, { limit: 1, cursor }));
  const names = services.items
    .filter(({ team }) => team.startsWith("pay"))
    .map(({ team, service }) => `${team}/${service}`);
  expect(names).toHaveLength(12);
  expect(new Set(names).size).toBe(12);
  const teams = await all((cursor) => store.api.teams("platform", { limit: 1, cursor }));
  expect(teams.items.map(({ team }) => team)).toEqual([...teams.items.map(({ team }) => team)].sort());
});

test("an environment keeps its tier while resources live in it", async () => {
  await store.api.putEnvironment("platform", caller, "sandbox", { tier: "development" });
  expect(await store.api.putEnvironment("platform", caller, "sandbox", { tier: "staging" })).toMatchObject({
    created: false,
    environment: { tier: "staging" },
  });
  const place = { ...(await newPlace(store)), environment: "sandbox" };
  await store.api.acceptIntent(acceptanceOf(place, [create("db")]));
  expect(await store.api.putEnvironment("platform", caller, "sandbox", { tier: "production" })).toBe("tier-in-use");
  expect(await store.api.putEnvironment("platform", caller, "sandbox", { tier: "staging" })).toMatchObject({
    created: false,
  });
});

test("a stored time comes back with its microseconds", async () => {
  const place = await newPlace(store);
  await store
    .as("owner")
    .rows("update cairn.teams set created_at = '2026-03-04 05:06:07.000089Z' where team_id = :team", {
      team: place.team,
    });
  expect((await store.api.team({ team: place.team }, place.team))?.createdAt).toBe("2026-03-04T05:06:07.000089Z");
});

describe("an event in words", () => {
  const event = (name: string, detail = {}) => eventMessage({ id: "i", at: "t", event: name, actor: "dana", detail });
  const reason = { code: "PROVIDER_REJECTED", message: "No such engine.", retryAt: null };

  test.each([
    ["resource.update", { generation: 2 }, "dana changed it: generation 2."],
    ["resource.delete", {}, "dana asked for its deletion, and policy allowed it."],
    ["resource.retry", {}, "dana asked for another try."],
    ["resource.reapplied", { generation: 3 }, "An output that it uses has changed: generation 3."],
    ["operation.sent", { kind: "apply", attempt: 2 }, "The provider was asked for it (attempt 2)."],
    ["operation.sent", { kind: "delete", attempt: 1 }, "The provider was asked to delete it."],
    ["operation.ready", {}, "It is READY."],
    ["operation.deleted", {}, "It is deleted."],
    ["operation.superseded", {}, "A newer change took its place."],
    ["operation.waiting", { reason, retryAt: "T" }, "It waits until T: No such engine."],
    ["operation.failed", { reason }, "It failed: No such engine."],
    ["operation.failed", {}, "It failed: no reason was given."],
    ["operation.blocked", { by: ["db", "cache"] }, "It cannot go on: db, cache failed."],
    ["operation.unblocked", {}, "What it waited for is done, so it goes on."],
    ["operation.stumbled", { error: "TypeError" }, "A step ended in an unexpected error (TypeError)."],
    ["operation.claimed", { attempt: 1, again: false }, "Work began (attempt 1)."],
    ["operation.claimed", { attempt: 1, again: true }, "Work went on (attempt 1)."],
    ["operation.taken-over", { was: "RUNNING" }, "Whoever worked on it stopped, so Cairn picked it up again."],
    ["operation.taken-over", { was: "WAITING" }, "The wait is over, so it goes on."],
    ["operation.taken-over", { was: "PENDING" }, "It was still to be started, so Cairn started it."],
    ["operation.taken-over", { epoch: 2 }, "Cairn picked it up again."],
    ["drift.verification", {}, "dana asked for a look at it."],
    ["drift.detected", { pointers: ["/A"] }, "It was changed behind Cairn's back: /A."],
    ["drift.resolved", { pointers: ["/A", "/B"] }, "It is as wanted again: /A, /B."],
    ["something.newer", {}, "something.newer"],
  ])("%s %j", (name, detail, words) => {
    expect(event(name, detail)).toBe(words);
  });

  test("is known for every event of a resource that the routines write", async () => {
    const written = await store.as("owner").rows<string>(`
      select distinct to_jsonb(m[1]) from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
        regexp_matches(p.prosrc, '''((?:operation|drift)\\.[a-z-]+)''', 'g') m where n.nspname = 'cairn'`);
    expect(written.length).toBeGreaterThan(10);
    for (const name of written) expect(event(name), name).not.toBe(name);
  });
});
