import { v7 as newId } from "uuid";
import { type AcceptOutcome, acceptIntent } from "../../control/accept-intent.ts";
import { retryResource } from "../../control/retry-resource.ts";
import type { Intent } from "../../core/intent.ts";
import type { OperationRef } from "../../core/operation.ts";
import { goldenPaths, policyOf, using } from "../control/inputs.ts";
import type { TestStore } from "../support/store.ts";
import {
  caller,
  failed,
  lease,
  newPlace,
  type OperationRow,
  operationRows,
  type Place,
  ready,
  reason,
  send,
  sweep,
} from "./fixture.ts";
import { newTarget } from "./protection.ts";

/** One line of the table in docs/changes.md. */
export type Row = { running: string; arrives: string; answer: string; effect: string; end: string };

export const states = [
  "nothing",
  "accepted",
  "working, not asked",
  "working, asked",
  "waiting, not asked",
  "waiting, asked",
  "ready",
  "failed",
  "failed, unknown",
  "failed with the one before",
  "deleting, not asked",
  "deleting, asked",
  "deletion failed",
  "deletion failed, unknown",
  "deleted",
];
export const arrivals = ["same apply", "other apply", "delete", "delete while used", "delete with its user", "retry"];

const outputs = { arn: "arn:db", url: "postgres://db" };

/** Brings `db` into a state, lets something arrive, and says what came of it, in the words of docs/changes.md. */
export async function tryChange(
  store: TestStore,
  running: string,
  arrives: string,
): Promise<Omit<Row, "running" | "arrives">> {
  const place = await newTarget(store, await newPlace(store), 100_000);
  const scene = sceneOf(store, place);
  const used = arrives === "delete while used" || arrives === "delete with its user";
  await scene.bring(running);
  const user = used ? await scene.send(scene.apply({ url: using("db") })) : null;
  const before = await scene.current();

  const answer =
    user === null || user.outcome === "accepted" ? await scene.arrive(arrives, before?.id) : "400, nothing can use it";
  const after =
    before === null ? undefined : (await operationRows(store, before.id)).find(({ id }) => id === before.operation.id);
  await scene.finish();
  const last =
    before === null ? undefined : (await operationRows(store, before.id)).find(({ id }) => id === before.operation.id);
  const end = await scene.current();
  return {
    answer,
    effect: effectOf(before?.operation, after, last),
    end:
      end === null
        ? "nothing"
        : `${end.status}${end.status === "DELETED" ? "" : ` ${end.generation}`}${before !== null && end.id !== before.id ? ", a new resource" : ""}`,
  };
}

function effectOf(
  before: OperationRow | undefined,
  after: OperationRow | undefined,
  last: OperationRow | undefined,
): string {
  if (before === undefined || after === undefined || last === undefined) return "–";
  const over = (row: OperationRow) => row.status === "SUCCEEDED" || row.status === "FAILED";
  if (over(before) && over(after)) return "is over";
  if (over(before)) return last.status === "SUPERSEDED" ? "settles first, superseded" : "begins again";
  if (after.status === "SUPERSEDED") return "superseded at once";
  return last.status === "SUPERSEDED" ? "settles first, superseded" : "goes on";
}

function sceneOf(store: TestStore, place: Place) {
  const executions = { start: async () => "started" as const };
  const scope = { team: place.team };
  const who = { ...caller, team: place.team };
  const deps = { store: store.api, goldenPaths, policy: policyOf(), executions, newId, now: () => 1_795_000_000 };
  const s3 = { environment: place.environment, provider: "aws", service: "AWS::S3" };
  const platform = { subject: "pia", role: "platform", team: null } as const;

  const apply = (resources: (Intent & { action: "apply" })["resources"]): Intent => ({
    action: "apply",
    ...place,
    resources,
  });
  const remove = (...resources: string[]): Intent => ({ action: "delete", ...place, resources });
  const sendIntent = (intent: Intent): Promise<AcceptOutcome> =>
    acceptIntent(deps, { caller: who, scope, intent, key: newId(), dryRun: false });
  const same = () => apply({ db: { type: "bucket" } });

  /** The newest resource called `db`, with its current operation. */
  async function current() {
    const [row] = await store
      .as("owner")
      .rows<{ id: string; status: string; generation: number; operation_id: string }>(
        `select to_jsonb(r) - 'definition' from cairn.resources r where team_id = :team and name = 'db' order by id desc limit 1`,
        { team: place.team },
      );
    if (row === undefined) return null;
    const operation = (await operationRows(store, row.id)).find(({ id }) => id === row.operation_id);
    if (operation === undefined) throw new Error("a resource without its operation");
    return { ...row, operation };
  }

  async function ref(): Promise<OperationRef> {
    const found = await current();
    if (found === null) throw new Error("there is no db");
    return { team: place.team, operation: found.operation.id, epoch: found.operation.epoch };
  }

  async function claim(): Promise<void> {
    await store.worker.claim(await ref(), lease);
  }

  async function end(progress: Parameters<TestStore["worker"]["advance"]>[1]): Promise<void> {
    await claim();
    await send(store, await ref());
    await store.worker.advance(await ref(), progress);
  }

  const ways: { [name: string]: () => Promise<unknown> } = {
    nothing: async () => {},
    accepted: () => sendIntent(same()),
    async "working, not asked"() {
      await sendIntent(same());
      await claim();
    },
    async "working, asked"() {
      await ways["working, not asked"]?.();
      await send(store, await ref());
      await store.worker.advance(await ref(), { to: "sent", request: "req-1", identifier: null });
    },
    async "waiting, not asked"() {
      await sendIntent(same());
      await store.api.putBreaker("platform", platform, s3, "OPEN");
      await claim();
    },
    async "waiting, asked"() {
      await ways["working, asked"]?.();
      await store.worker.advance(await ref(), { to: "wait", reason, delaySeconds: 600 });
    },
    async ready() {
      await sendIntent(same());
      await end(ready(outputs));
    },
    async failed() {
      await sendIntent(same());
      await end(failed());
    },
    async "failed, unknown"() {
      await ways["working, asked"]?.();
      await store.worker.advance(await ref(), failed(false));
    },
    async "failed with the one before"() {
      await ways["working, asked"]?.();
      const first = await ref();
      await sendIntent(apply({ db: { type: "bucket", parameters: { Tier: "second" } } }));
      await store.worker.advance(first, failed(false));
    },
    async "deleting, not asked"() {
      await ways.ready?.();
      await sendIntent(remove("db"));
    },
    async "deleting, asked"() {
      await ways["deleting, not asked"]?.();
      await claim();
      await send(store, await ref());
      await store.worker.advance(await ref(), { to: "sent", request: "req-2", identifier: "x" });
    },
    async "deletion failed"() {
      await ways["deleting, not asked"]?.();
      await end(failed());
    },
    async "deletion failed, unknown"() {
      await ways["deleting, asked"]?.();
      await store.worker.advance(await ref(), failed(false));
    },
    async deleted() {
      await ways["deleting, not asked"]?.();
      await end({ to: "deleted" });
    },
  };

  async function bring(name: string): Promise<void> {
    const way = ways[name];
    if (way === undefined) throw new Error(`nothing is "${name}"`);
    await way();
  }

  async function arrive(what: string, id = newId()): Promise<string> {
    if (what === "retry") {
      const { outcome } = await retryResource(deps, who, scope, id);
      return { retried: "202 retry", "not-failed": "409 not-failed", "not-found": "404" }[outcome];
    }
    const intents: { [name: string]: Intent } = {
      "same apply": same(),
      "other apply": apply({ db: { type: "bucket", parameters: { Tier: "other" } } }),
      delete: remove("db"),
      "delete while used": remove("db"),
      "delete with its user": remove("db", "url"),
    };
    const intent = intents[what];
    if (intent === undefined) throw new Error(`nothing arrives as "${what}"`);
    const result = await sendIntent(intent);
    if (result.outcome === "accepted") return `202 ${await changeOf(result.intent.id)}`;
    return (
      { invalid: "400", referenced: "409 referenced" }[result.outcome as "invalid" | "referenced"] ?? result.outcome
    );
  }

  /** What the timeline says that the intent did to `db`. */
  async function changeOf(intent: string): Promise<string> {
    const [event] = await store.as("owner").rows<string>(
      `select to_jsonb(a.event) from cairn.audit_log a join cairn.resources r on r.team_id = a.team_id and r.id = a.resource_id
       where a.intent_id = :intent::uuid and r.name = 'db'`,
      { intent },
    );
    return event?.replace("resource.", "") ?? "none";
  }

  /** Everything that can go on does, and goes well. */
  async function finish(): Promise<void> {
    await store.api.putBreaker("platform", platform, s3, "CLOSED");
    for (let round = 0; round < 12; round++) {
      const open = await store.as("owner").rows<OperationRow & { team_id: string }>(
        `update cairn.operations o set due_at = case when status = 'RUNNING' then due_at else now() - interval '1 second' end
         where team_id = :team and status in ('PENDING', 'RUNNING', 'WAITING') returning to_jsonb(o) - 'definition'`,
        { team: place.team },
      );
      if (open.length === 0) return;
      const running = open.filter(({ status }) => status === "RUNNING");
      const refs = running.map(({ id, epoch }) => ({ team: place.team, operation: id, epoch }));
      for (const started of await sweep(store)) {
        if (started.team !== place.team) continue;
        if ((await store.worker.claim(started, lease)).outcome === "claimed") refs.push(started);
      }
      for (const each of refs) {
        const work = await send(store, each);
        await store.worker.advance(each, work.kind === "delete" ? { to: "deleted" } : ready(outputs));
      }
    }
    throw new Error("it does not come to an end");
  }

  return { bring, send: sendIntent, apply, arrive, current, finish };
}
